"""Hold each way in which a job may evaluate a model to plain forward passes, on a few tokens.

Not every architecture takes positions and masks from outside (ALiBi, code of a model's own), goes
on from a state over several tokens, or reads a cache by the name that it is given; libraries do not
say which do, and a model that does not answers something else without a word.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from runners.engine.decoder import Decoder
from runners.engine.out_of_memory import is_out_of_memory, ran_out
from runners.engine.states import StateDecoder, UserDecoder
from runners.worker.runtime import WorkerError, check_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.engine.states import StatefulModel

TRUNK, BRANCHES = 9, 2
STEPS = ((0, 3), (3, 4), (4, 5))
"""Steps in which a branch is evaluated: several tokens, then one by one."""
BRANCH = STEPS[-1][1]
CHECKED = TRUNK + BRANCH
"""Tokens of a sequence of the check."""
CELLS = TRUNK + BRANCHES * BRANCH
"""Distinct tokens of the check."""
SEEN = 3
"""Last tokens of the trunk whose logits must not depend on the branch."""
APART, APART_IN_16_BITS = 1e-3, 0.1
"""Largest difference between equal rows of logits, in standard deviations of all logits: of any one
in float32, on average in 16 bits."""
CAUSAL_IN_16_BITS = 0.02
"""Largest difference in 16 bits between two passes of the same arithmetic: a causal model gives the
same bits."""
ODD_ROWS_IN_16_BITS = 0.25
"""Share of rows that may be others there: where experts are chosen, rounding tips a choice over."""
UNFIT = (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError)
"""Exceptions of architectures that cannot be driven in some way."""


class Cells(Decoder, Protocol):
    """A cache in which a token may belong to several sequences."""

    cells: int
    """Tokens that it holds."""

    def kv_bytes(self) -> int:
        """Bytes of all cells, once a token was evaluated."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Usable ways of driving a model, and their memory."""

    packs: bool
    """True where a beginning that sequences share is evaluated once, and rightly."""
    shared: bool = False
    """True where one token belongs to several sequences; False: each has a state of its own."""
    caches: bool
    """True where one sequence continues from its cache as if it were evaluated anew."""
    cell_bytes: int = 0
    """Bytes of the keys and values of one token, where cells are shared."""
    state_bytes: int = 0
    """Bytes of the cache of a sequence of `CHECKED` tokens, where each sequence has its own."""
    seconds: float
    """Seconds of the check; what the first pass took longer than the next belongs to loading."""


def check(model: StatefulModel, cells: Cells | None = None) -> Checked:
    """Evaluate two sequences of one beginning in each way.

    Args:
        model: what is evaluated.
        cells: tried before a state a sequence; holds `CELLS` tokens and `BRANCHES` sequences.

    Raises:
        WorkerError: the model cannot be evaluated, gives NaN, or sees tokens that come later.
    """
    started = time.perf_counter()
    try:
        expected, first_s = _plain(model)
    except UNFIT as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:300]
        raise WorkerError(f"the model does not compute: {reason}") from error
    check_largest(float(expected.max(axis=-1).sum(dtype=np.float64)))
    agree = _Agreement(exact=model.exact, scale=float(expected.std()))
    if agree.odd_rows(expected[0, :SEEN], expected[1, :SEEN], CAUSAL_IN_16_BITS) == 1.0:
        raise WorkerError(
            f"the architecture {model.architecture} sees the tokens that come after one: it is an "
            "encoder, or set up as one, and gives no probabilities of a next token"
        )
    after = expected[:, SEEN - 1 :]
    cached = _rows(_one_by_one(model))
    caches = cached is not None and agree(cached, after[0])
    wanted = np.concatenate(
        [after[:, 1 + start : 1 + stop].reshape(-1, after.shape[-1]) for start, stop in STEPS]
    )
    shared = cells is not None and _packs(model, cells, True, wanted, agree)
    states = StateDecoder(model, batch_tokens=CHECKED, rows=CHECKED)
    packs = shared or _packs(model, states, False, wanted, agree)
    return Checked(
        packs=packs,
        shared=shared,
        caches=caches,
        cell_bytes=cells.kv_bytes() // cells.cells if cells is not None and shared else 0,
        state_bytes=states.state_bytes() if packs else 0,
        seconds=time.perf_counter() - started - first_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreement:
    """Test that logits of the same tokens, shape (rows, vocabulary), differ by rounding only."""

    exact: bool
    scale: float
    """Standard deviation of the logits."""

    def __call__(self, found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
        most = 0.0 if self.exact else ODD_ROWS_IN_16_BITS
        return self.odd_rows(found, expected) <= most

    def odd_rows(
        self,
        found: NDArray[np.float32],
        expected: NDArray[np.float32],
        limit: float = APART_IN_16_BITS,
    ) -> float:
        """Share of rows that are others; NaN is never the same."""
        apart = np.abs(found - expected)
        if self.exact:
            same = apart.max(axis=-1) <= self.scale * APART
        else:
            same = apart.mean(axis=-1) <= self.scale * limit
        return float(np.mean(~same))


def _sample(model: StatefulModel) -> NDArray[np.int32]:
    """Token ids, shape (BRANCHES, CHECKED), of one beginning: the same every time."""
    draw = np.random.default_rng(0)
    found = draw.integers(0, min(model.vocabulary, 30_000), (BRANCHES, CHECKED)).astype(np.int32)
    found[:, :TRUNK] = found[0, :TRUNK]
    return found


def _plain(model: StatefulModel) -> tuple[NDArray[np.float32], float]:
    """Logits of each sequence's last tokens, and what the first pass took longer than the second.

    Returns:
        Shape (BRANCHES, SEEN + BRANCH, vocabulary), and seconds.
    """
    rows = np.arange(TRUNK - SEEN, CHECKED)
    found, took = [], []
    for tokens in _sample(model):
        started = time.perf_counter()
        found.append(model.forward(tokens, None, None, rows, keep=False)[0])
        took.append(time.perf_counter() - started)
    return np.stack(found), max(0.0, took[0] - took[1])


def _one_by_one(model: StatefulModel) -> Iterator[NDArray[np.float32]]:
    """Logits of the first sequence after the trunk and each later token, as generations read it."""
    tokens = _sample(model)[0]
    decoder = UserDecoder(model, length=CHECKED)
    for start, stop in ((0, TRUNK), *((n, n + 1) for n in range(TRUNK, CHECKED))):
        at = np.arange(start, stop, dtype=np.int32)
        none, flags = np.zeros(stop - start, dtype=np.int32), np.zeros(stop - start, dtype=np.int8)
        flags[-1] = 1
        yield decoder.decode(tokens[start:stop], at, none, none + 1, flags)


def _packs(
    model: StatefulModel,
    decoder: Decoder,
    shared: bool,
    wanted: NDArray[np.float32],
    agree: _Agreement,
) -> bool:
    found = _rows(_packed(model, decoder, shared))
    return found is not None and agree(found, wanted)


def _rows(parts: Iterator[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """All rows of logits; None: the architecture cannot be driven this way.

    Raises:
        OutOfMemory: memory ran out, which says nothing of the architecture.
    """
    try:
        return np.concatenate(list(parts))
    except UNFIT as error:
        if is_out_of_memory(error):
            raise ran_out("while the model was checked", error) from error
        return None


def _packed(model: StatefulModel, decoder: Decoder, shared: bool) -> Iterator[NDArray[np.float32]]:
    """The logits of the branches, a step after the other, behind a trunk that they share."""
    sequences = _sample(model)
    none = np.zeros(TRUNK, dtype=np.int32)
    counts = none + (BRANCHES if shared else 1)
    at = np.arange(TRUNK, dtype=np.int32)
    decoder.decode(sequences[0, :TRUNK], at, none, counts, none.astype(np.int8))
    for number in range(1, BRANCHES):
        if not shared:
            decoder.copy(0, number)
    for start, stop in STEPS:
        positions = np.arange(TRUNK + start, TRUNK + stop, dtype=np.int32)
        tokens = sequences[:, positions].ravel()
        owners = np.repeat(np.arange(BRANCHES, dtype=np.int32), stop - start)
        ones = np.ones(len(tokens), dtype=np.int32)
        yield decoder.decode(
            tokens, np.tile(positions, BRANCHES), owners, ones, ones.astype(np.int8)
        )
