"""Hold each way in which a job may evaluate a model to plain forward passes, on a few tokens.

Not every architecture takes positions and masks from outside (ALiBi, code of a model's own), goes
on from a state over several tokens, or reads a cache by the name that it is given; transformers
does not say which do, and one that does not answers something else without a word.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from runners.runtimes.hf.cells import CellDecoder, shares_cells
from runners.runtimes.hf.states import StateDecoder, UserDecoder, WholeDecoder
from runners.worker.runtime import WorkerError, check_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.runtimes.hf.model import Model

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

Packing = CellDecoder | StateDecoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Usable ways of driving a model, and their memory."""

    scoring: type[CellDecoder | StateDecoder | WholeDecoder]
    """The first way of scoring that gives what plain evaluation gives."""
    caches: bool
    """True where one sequence continues from its cache as if it were evaluated anew."""
    cell_bytes: int = 0
    """Bytes of the keys and values of one token, where cells are shared."""
    state_bytes: int = 0
    """Bytes of the cache of a sequence of `CHECKED` tokens, where each sequence has its own."""
    seconds: float
    """Seconds of the check; what the first pass took longer than the next belongs to loading."""


def check(model: Model) -> Checked:
    """Evaluate two sequences of one beginning in each way.

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
    agree = _Agreement(dtype=model.dtype, scale=float(expected.std()))
    if agree.odd_rows(expected[0, :SEEN], expected[1, :SEEN], CAUSAL_IN_16_BITS) == 1.0:
        raise WorkerError(
            f"the architecture {model.architecture} sees the tokens that come after one: it is an "
            "encoder, or set up as one, and gives no probabilities of a next token"
        )
    after = expected[:, SEEN - 1 :]
    cached = _rows(_one_by_one(model))
    caches = cached is not None and agree(cached, after[0])
    scoring = _first_that_agrees(model, after, agree)
    seconds = time.perf_counter() - started - first_s
    if isinstance(scoring, CellDecoder):
        cell = scoring.kv_bytes() // scoring.cells
        return Checked(scoring=CellDecoder, caches=caches, cell_bytes=cell, seconds=seconds)
    if isinstance(scoring, StateDecoder):
        state = scoring.state_bytes()
        return Checked(scoring=StateDecoder, caches=caches, state_bytes=state, seconds=seconds)
    return Checked(scoring=WholeDecoder, caches=caches, seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreement:
    """Test that logits of the same tokens, shape (rows, vocabulary), differ by rounding only."""

    dtype: torch.dtype
    scale: float
    """Standard deviation of the logits."""

    def __call__(self, found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
        most = 0.0 if self.dtype == torch.float32 else ODD_ROWS_IN_16_BITS
        return self.odd_rows(found, expected) <= most

    def odd_rows(
        self,
        found: NDArray[np.float32],
        expected: NDArray[np.float32],
        limit: float = APART_IN_16_BITS,
    ) -> float:
        """Share of rows that are others; NaN is never the same."""
        apart = np.abs(found - expected)
        if self.dtype == torch.float32:
            same = apart.max(axis=-1) <= self.scale * APART
        else:
            same = apart.mean(axis=-1) <= self.scale * limit
        return float(np.mean(~same))


def _sample(model: Model) -> NDArray[np.int32]:
    """Token ids, shape (BRANCHES, CHECKED), of one beginning: the same every time."""
    draw = np.random.default_rng(0)
    found = draw.integers(0, min(model.vocabulary, 30_000), (BRANCHES, CHECKED)).astype(np.int32)
    found[:, :TRUNK] = found[0, :TRUNK]
    return found


def _plain(model: Model) -> tuple[NDArray[np.float32], float]:
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


def _one_by_one(model: Model) -> Iterator[NDArray[np.float32]]:
    """Logits of the first sequence after the trunk and each later token, as generations read it."""
    tokens = _sample(model)[0]
    decoder = UserDecoder(model, length=CHECKED)
    for start, stop in ((0, TRUNK), *((n, n + 1) for n in range(TRUNK, CHECKED))):
        at = np.arange(start, stop, dtype=np.int32)
        none, flags = np.zeros(stop - start, dtype=np.int32), np.zeros(stop - start, dtype=np.int8)
        flags[-1] = 1
        yield decoder.decode(tokens[start:stop], at, none, none + 1, flags)


def _first_that_agrees(
    model: Model, expected: NDArray[np.float32], agree: _Agreement
) -> Packing | None:
    wanted = np.concatenate(
        [expected[:, 1 + start : 1 + stop].reshape(-1, expected.shape[-1]) for start, stop in STEPS]
    )
    for decoder in _ways(model):
        found = _rows(_packed(model, decoder))
        if found is not None and agree(found, wanted):
            return decoder
    return None


def _ways(model: Model) -> Iterator[Packing]:
    """Decoders that share what sequences begin with, the cheapest first."""
    size = {"batch_tokens": CHECKED, "rows": CHECKED}
    with contextlib.suppress(*UNFIT):  # a configuration that transformers' cache does not know
        if shares_cells(model):
            yield CellDecoder(model, cells=CELLS, sequences=BRANCHES, **size)
    yield StateDecoder(model, **size)


def _rows(parts: Iterator[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """All rows of logits; None: the architecture cannot be driven this way."""
    try:
        return np.concatenate(list(parts))
    except UNFIT:
        return None


def _packed(model: Model, decoder: Packing) -> Iterator[NDArray[np.float32]]:
    """The logits of the branches, a step after the other, behind a trunk that they share."""
    sequences = _sample(model)
    shared = isinstance(decoder, CellDecoder)
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
