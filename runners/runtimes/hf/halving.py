"""Batches of shared cells that are halved when memory runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from runners.engine.out_of_memory import OutOfMemory, is_out_of_memory
from runners.runtimes.hf.cells import CellDecoder
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Halving:
    """A cell decoder whose batches are halved when memory runs out, for good."""

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
        except (RuntimeError, OutOfMemory) as error:
            if not is_out_of_memory(error):
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


def _free_cached() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
