"""Sequences that share no cells: one user's, a recurrent model's, and those evaluated anew.

All are `Decoder`s (decoder.py) that evaluate one sequence at a time, over a model that is a
function of tokens and of the state that earlier tokens left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class StatefulModel(Protocol):
    """A model in process, and what an earlier pass left: keys and values as a rule."""

    @property
    def architecture(self) -> str:
        """Name of its architecture, for messages."""
        ...

    @property
    def vocabulary(self) -> int:
        """Logits of a row."""
        ...

    @property
    def exact(self) -> bool:
        """True where it computes in float32: equal logits differ by the order of sums alone."""
        ...

    def forward(
        self,
        tokens: Sequence[int] | NDArray[np.int32],
        positions: Sequence[int] | NDArray[np.int32] | None,
        state: Any,
        rows: Sequence[int] | NDArray[np.int64],
        *,
        keep: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Evaluate tokens of batch 1.

        Args:
            tokens: shape (n,).
            positions: shape (n,); None: they follow on what the state holds.
            state: what an earlier pass returned, or None.
            rows: which of the tokens' logits are wanted.
            keep: whether the pass makes or extends a state.

        Returns:
            Shape (rows, vocabulary), in this process's memory, so that the computation is over; and
            the state, which is no longer the one that was passed.
        """
        ...

    def begin(self) -> Any:
        """The state of a sequence that shares nothing; None: the first pass makes it."""
        ...

    def copied(self, state: Any) -> Any:
        """A state of the same tokens, which may go on by itself."""
        ...

    def state_bytes(self, state: Any) -> int:
        """Bytes that a state takes."""
        ...


class StateDecoder:
    """Each sequence has a cache of its own; a copy copies it."""

    path = "prefix tree, a cache a sequence"

    def __init__(self, model: StatefulModel, *, batch_tokens: int, rows: int) -> None:
        self.batch_tokens, self.rows = batch_tokens, rows
        self._model = model
        self._states: dict[int, Any] = {}

    def clear(self) -> None:
        """Forget every sequence."""
        self._states.clear()

    def copy(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`."""
        self._states[target] = self._model.copied(self._states[source])

    def drop(self, sequence: int) -> None:
        """Forget one sequence, whole."""
        self._states.pop(sequence, None)

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        sequences: NDArray[np.int32],
        counts: NDArray[np.int32],  # noqa: ARG002  # 1: a token belongs to one sequence
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, shape (flagged, vocabulary)."""
        found = []
        for sequence, run in _runs(sequences):
            state = self._states.get(sequence)
            state = self._model.begin() if state is None else state
            logits, self._states[sequence] = self._model.forward(
                tokens[run], positions[run], state, np.flatnonzero(flags[run])
            )
            found.append(logits)
        return np.concatenate(found)

    def state_bytes(self) -> int:
        """Bytes of the largest sequence that is held."""
        return max(map(self._model.state_bytes, self._states.values()), default=0)


class UserDecoder:
    """One sequence, in the cache that the model makes for itself, as in `generate`."""

    rows = 1

    def __init__(self, model: StatefulModel, *, length: int, caches: bool = True) -> None:
        """Begin with nothing.

        Args:
            model: what is evaluated.
            length: the longest sequence, tokens.
            caches: False: each token is evaluated with all before it, as if there were no cache.
        """
        self.batch_tokens = length
        self._caches = caches
        self._model = model
        self._cache: Any = None
        self._tokens: list[int] = []

    def clear(self) -> None:
        """Forget the sequence."""
        self._cache = None
        self._tokens = []

    def copy(self, source: int, target: int) -> None:
        """There is one sequence only."""
        raise NotImplementedError

    def drop(self, sequence: int) -> None:
        """Forget the sequence; there is no other."""
        raise NotImplementedError

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        sequences: NDArray[np.int32],  # noqa: ARG002  # there is one
        counts: NDArray[np.int32],  # noqa: ARG002
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, which are there when this returns."""
        rows = np.flatnonzero(flags)
        self._tokens.extend(tokens.tolist())
        if self._cache is None:  # the first tokens, or a model that keeps nothing
            rows += len(self._tokens) - len(tokens)
            tokens = np.asarray(self._tokens, dtype=np.int32)
            positions = np.arange(len(tokens), dtype=np.int32)
        logits, self._cache = self._model.forward(
            tokens, positions, self._cache, rows, keep=self._caches
        )
        return logits


class WholeDecoder:
    """Nothing is kept but the tokens: each sequence is evaluated anew from its start.

    Plain evaluation, to which the others are held; as many tokens as lm-eval evaluates.
    """

    path = "every sequence anew"

    def __init__(self, model: StatefulModel, *, batch_tokens: int, rows: int) -> None:
        self.batch_tokens, self.rows = batch_tokens, rows
        self.evaluated = 0
        """Tokens, since it was last set."""
        self._model = model
        self._tokens: dict[int, list[int]] = {}

    def clear(self) -> None:
        """Forget every sequence."""
        self._tokens.clear()

    def copy(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`."""
        self._tokens[target] = list(self._tokens[source])

    def drop(self, sequence: int) -> None:
        """Forget one sequence, whole."""
        self._tokens.pop(sequence, None)

    def decode(
        self,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],  # noqa: ARG002  # a sequence's own, from 0
        sequences: NDArray[np.int32],
        counts: NDArray[np.int32],  # noqa: ARG002  # 1: a token belongs to one sequence
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate what has flagged tokens; their logits, shape (flagged, vocabulary)."""
        found = [np.empty((0, self._model.vocabulary), dtype=np.float32)]
        for sequence, run in _runs(sequences):
            whole = self._tokens.setdefault(sequence, [])
            before = len(whole)
            whole.extend(tokens[run].tolist())
            rows = np.flatnonzero(flags[run]) + before
            if len(rows):
                read = whole[: rows[-1] + 1]
                self.evaluated += len(read)
                logits, _ = self._model.forward(read, None, None, rows, keep=False)
                found.append(logits)
        return np.concatenate(found)


def _runs(sequences: NDArray[np.int32]) -> Iterator[tuple[int, slice]]:
    """Neighbours that belong to one sequence."""
    borders = np.flatnonzero(np.diff(sequences)) + 1
    for start, stop in zip([0, *borders], [*borders, len(sequences)], strict=True):
        yield int(sequences[start]), slice(int(start), int(stop))
