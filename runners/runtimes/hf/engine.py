"""The scoring engine: the way of scoring that was found to agree, sized within its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from runners.engine.plan import Limits
from runners.engine.scoring import Scorer
from runners.engine.sizing import WAVE_TOKENS, Footprint, engine_size
from runners.runtimes.hf.cells import CellDecoder
from runners.runtimes.hf.model import Model
from runners.runtimes.hf.self_check import CHECKED, Checked
from runners.runtimes.hf.states import StateDecoder, WholeDecoder
from runners.worker import protocol
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from runners.engine.encoding import Scoring
    from runners.engine.scoring import Scores
    from runners.worker.runtime import OnProgress

OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


class Engine:
    """The decoder that was chosen, as large as it may be, and who scores with it."""

    def __init__(self, model: Model, checked: Checked, *, length: int, memory_bytes: int) -> None:
        """Size it.

        Args:
            model: what is evaluated.
            checked: how it may be.
            length: the longest sequence, tokens.
            memory_bytes: for the cache and the rows of logits, if it can be done with them.
        """
        # A recurrent state has one size, keys and values grow: this bounds both from above.
        state = checked.state_bytes * -(-length // CHECKED)
        footprint = Footprint(cell=checked.cell_bytes, state=state, row=4 * model.vocabulary)
        self.size = engine_size(memory_bytes, footprint, length=length)
        batch, rows = WAVE_TOKENS, self.size.rows
        self.decoder: Halving | StateDecoder | WholeDecoder
        if checked.scoring is CellDecoder:
            cells = CellDecoder(
                model, cells=self.size.cells, sequences=self.size.sequences, batch_tokens=batch,
                rows=rows,
            )  # fmt: skip
            self.decoder = Halving(cells)
        elif checked.scoring is StateDecoder:
            self.decoder = StateDecoder(model, batch_tokens=batch, rows=rows)
        else:
            self.decoder = WholeDecoder(model, batch_tokens=max(length, batch), rows=rows)
        limits = Limits(
            wave_tokens=WAVE_TOKENS,
            sequences=self.size.sequences,
            cells=self.size.cells,
            shared=checked.scoring is CellDecoder,
        )
        self.scorer = Scorer(self.decoder, limits)

    @property
    def opened(self) -> protocol.EngineOpened:
        """Capacity and memory of the engine."""
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
        return np.concatenate(
            [self.decode(tokens[p], positions[p], sequences[p], counts[p], flags[p]) for p in parts]
        )


def _out_of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(word in text for word in OUT_OF_MEMORY)


def _free_cached() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
