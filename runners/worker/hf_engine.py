"""Choose how a model's sequences are scored, check it against plain evaluation, and size it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from runners.worker import protocol
from runners.worker.hf_cells import CellDecoder, shares_cells
from runners.worker.hf_model import Model
from runners.worker.hf_states import StateDecoder, WholeDecoder
from runners.worker.prefix_tree import Limits
from runners.worker.runtime import WorkerError
from runners.worker.scoring import Scorer
from runners.worker.sizing import WAVE_TOKENS, Footprint, engine_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from runners.worker.encoding import Scoring
    from runners.worker.runtime import OnProgress
    from runners.worker.scoring import Scores

TRUNK, BRANCH, BRANCHES = 9, 7, 3  # tokens of the check
CHECKED = TRUNK + BRANCH
AGREES = {torch.float32: 1e-3}
AGREES_IN_16_BITS = 0.1
"""Largest difference of logits, and in 16 bits largest mean difference, in their standard
deviations."""
OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")

AnyDecoder = CellDecoder | StateDecoder | WholeDecoder


class Engine:
    """The decoder that was chosen, as large as it may be, and who scores with it."""

    def __init__(self, model: Model, *, length: int, memory_bytes: int) -> None:
        """Choose and size it.

        Args:
            model: what is evaluated.
            length: the longest sequence, tokens.
            memory_bytes: for the cache and the rows of logits, if it can be done with them.
        """
        chosen = _first_that_agrees(model)
        cell = state = 0
        if isinstance(chosen, CellDecoder):
            cell = chosen.kv_bytes() // chosen.cells
        elif isinstance(chosen, StateDecoder):
            # A recurrent state has one size, keys and values grow: this bounds both from above.
            state = chosen.state_bytes() * -(-length // CHECKED)
        footprint = Footprint(cell=cell, state=state, row=4 * model.vocabulary)
        self.size = engine_size(memory_bytes, footprint, length=length)
        batch, rows = WAVE_TOKENS, self.size.rows
        self.decoder: Halving | StateDecoder | WholeDecoder
        if isinstance(chosen, CellDecoder):
            cells = CellDecoder(
                model, cells=self.size.cells, sequences=self.size.sequences, batch_tokens=batch,
                rows=rows,
            )  # fmt: skip
            self.decoder = Halving(cells)
        elif isinstance(chosen, StateDecoder):
            self.decoder = StateDecoder(model, batch_tokens=batch, rows=rows)
        else:
            self.decoder = WholeDecoder(model, batch_tokens=max(length, batch), rows=rows)
        limits = Limits(
            wave_tokens=WAVE_TOKENS,
            sequences=self.size.sequences,
            cells=self.size.cells,
            shared=isinstance(chosen, CellDecoder),
        )
        self.scorer = Scorer(self.decoder, limits)

    @property
    def opened(self) -> protocol.EngineOpened:
        """What it takes."""
        return protocol.EngineOpened(
            path=self.decoder.path,
            cells=self.size.cells,
            sequences=self.size.sequences,
            batch_tokens=self.decoder.batch_tokens,
            output_rows=self.size.rows,
            kv_bytes=self.size.cache_bytes,
            output_bytes=self.size.output_bytes,
        )

    @property
    def halved_to(self) -> int | None:
        """Most tokens of a batch since memory ran out; None: it did not."""
        return self.decoder.halved_to if isinstance(self.decoder, Halving) else None

    def score(self, items: Sequence[Sequence[Scoring]], progress: OnProgress) -> Scores:
        """Score a window; the tokens that were evaluated are counted as they were."""
        if not isinstance(self.decoder, WholeDecoder):
            return self.scorer.score(items, progress)
        self.decoder.evaluated = 0
        nats, greedy, _ = self.scorer.score(items, progress)
        return nats, greedy, self.decoder.evaluated


class Halving:
    """A cell decoder whose batches are halved when memory runs out, for good."""

    path = CellDecoder.path

    def __init__(self, inner: CellDecoder) -> None:
        self._inner = inner
        self.halved_to: int | None = None
        self.batch_tokens, self.rows = inner.batch_tokens, inner.rows
        self.clear, self.copy, self.drop = inner.clear, inner.copy, inner.drop
        self.kv_bytes = inner.kv_bytes

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        sequences: NDArray[np.int32],
        counts: NDArray[np.int32],
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, shape (flagged, vocabulary).

        Raises:
            WorkerError: there is no memory for a single token.
        """
        try:
            return self._inner.decode(tokens, positions, sequences, counts, flags)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            if len(tokens) == 1:
                raise WorkerError("out of memory while one token was evaluated") from error
        _free_cached()
        half = len(tokens) // 2
        self.batch_tokens = self.halved_to = min(self.batch_tokens, half)
        parts = (slice(None, half), slice(half, None))
        return np.concatenate([
            self.decode(tokens[p], positions[p], sequences[p], counts[p], flags[p]) for p in parts
        ])  # fmt: skip


def _out_of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(word in text for word in OUT_OF_MEMORY)


def _free_cached() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _first_that_agrees(model: Model) -> AnyDecoder:
    """The first way of scoring that gives what plain evaluation gives, tried on a few tokens.

    Not every architecture takes positions and masks from outside (ALiBi, code of a model's own),
    or goes on from a state over several tokens, and transformers does not say which do.
    """
    size = {"batch_tokens": 64, "rows": 64}
    cells = TRUNK + BRANCHES * BRANCH
    tries: list[Callable[[], AnyDecoder]] = [lambda: StateDecoder(model, **size)]
    if shares_cells(model):
        tries.insert(0, lambda: CellDecoder(model, cells=cells, sequences=BRANCHES, **size))
    expected, scale = _plain(model)
    limit = scale * AGREES.get(model.dtype, AGREES_IN_16_BITS)
    for make in tries:
        try:
            decoder = make()
            found = np.concatenate(list(_packed(model, decoder)))
        except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError):
            continue  # an architecture that cannot be driven this way
        apart = np.abs(found - expected)
        if (apart.max() if model.dtype == torch.float32 else apart.mean()) <= limit:
            return decoder
    return WholeDecoder(model, **size)


def _sample(model: Model) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """A trunk, shape (TRUNK,), and branches, shape (BRANCHES, BRANCH): the same every time."""
    draw = np.random.default_rng(0)
    count = TRUNK + BRANCHES * BRANCH
    tokens = draw.integers(0, min(model.vocabulary, 30_000), count).astype(np.int32)
    return tokens[:TRUNK], tokens[TRUNK:].reshape(BRANCHES, BRANCH)


def _plain(model: Model) -> tuple[NDArray[np.float32], float]:
    trunk, branches = _sample(model)
    rows = np.arange(TRUNK, TRUNK + BRANCH)
    found = [
        model.forward(np.concatenate([trunk, branch]), None, None, rows, keep=False)[0]
        for branch in branches
    ]
    half = BRANCH // 2
    logits = np.concatenate([part[:half] for part in found] + [part[half:] for part in found])
    return logits, float(logits.std())


def _packed(model: Model, decoder: AnyDecoder) -> Iterator[NDArray[np.float32]]:
    trunk, branches = _sample(model)
    shared = isinstance(decoder, CellDecoder)
    ones, none = np.ones(TRUNK, dtype=np.int32), np.zeros(TRUNK, dtype=np.int32)
    flags = none.astype(np.int8)
    at = np.arange(TRUNK, dtype=np.int32)
    decoder.decode(trunk, at, none, BRANCHES * ones if shared else ones, flags)
    for number in range(1, BRANCHES):
        if not shared:
            decoder.copy(0, number)
    for start, stop in ((0, BRANCH // 2), (BRANCH // 2, BRANCH)):
        tokens = branches[:, start:stop].ravel()
        positions = np.tile(np.arange(TRUNK + start, TRUNK + stop, dtype=np.int32), BRANCHES)
        sequences = np.repeat(np.arange(BRANCHES, dtype=np.int32), stop - start)
        one = np.ones(len(tokens), dtype=np.int32)
        yield decoder.decode(tokens, positions, sequences, one, one.astype(np.int8))
