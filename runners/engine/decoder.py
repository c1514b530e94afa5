"""Interface that the engine needs of a runtime: a cache that holds several sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Decoder(Protocol):
    """A context that holds several sequences."""

    batch_tokens: int
    """Most tokens of one call to `decode`."""
    rows: int
    """Most rows of logits of one call to `decode`."""

    def clear(self) -> None:
        """Forget every sequence."""
        ...

    def copy(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`."""
        ...

    def drop(self, sequence: int) -> None:
        """Forget one sequence, whole."""
        ...

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        sequences: NDArray[np.int32],
        counts: NDArray[np.int32],
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, shape (flagged, vocabulary).

        Token i belongs to the sequences `sequences[i]` to `sequences[i] + counts[i] - 1`; counts
        are 1 where the limits say that a token belongs to one sequence.
        """
        ...
