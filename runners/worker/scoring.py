"""Carry out a plan: evaluate segments in batches, and add up what the rows of logits say.

Every in-process runtime shares this; what differs is the `Decoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from runners.worker import protocol
from runners.worker.encoding import Scoring
from runners.worker.logprobs import target_logprobs
from runners.worker.prefix_tree import Segment, Wave, plan
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.worker.prefix_tree import Limits
    from runners.worker.runtime import OnProgress


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
        flags: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Evaluate tokens; the logits of the flagged ones, shape (flagged, vocabulary)."""
        ...


def score_window(
    decoder: Decoder, scorings: Sequence[Sequence[Scoring]], limits: Limits, progress: OnProgress
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.bool_]], int]:
    """Score a window of items from an empty cache.

    Args:
        scorings: of each item its scorings.
        progress: told after each wave how many items are complete.

    Returns:
        Of each item an array of summed log-probabilities (nats), shape (its scorings,), and one of
        greedy flags; and the number of tokens evaluated.
    """
    if not scorings:
        return [], [], 0
    ends = np.cumsum([len(part) for part in scorings], dtype=np.int64)
    nats, greedy = np.zeros(ends[-1]), np.ones(ends[-1], dtype=np.bool_)
    evaluated = scored = 0
    for wave in plan(scorings, limits):
        evaluated += _evaluate(decoder, wave, nats, greedy)
        scored = max(scored, _scored_by(wave))
        progress(int(np.searchsorted(ends, scored, side="right")))
    if np.isnan(nats).any():
        raise WorkerError(
            "the model's log-probabilities are not numbers (NaN): its weights, or the type of its "
            "KV cache, do not work"
        )
    return np.split(nats, ends[:-1]), np.split(greedy, ends[:-1]), evaluated


def item_score(
    item: protocol.ScoreItem,
    scorings: Sequence[Scoring],
    nats: NDArray[np.float64],
    greedy: NDArray[np.bool_],
) -> protocol.ItemScore:
    """One item's answer; the windows of a rolling item are added up."""
    sums, picks = [float(value) for value in nats], [bool(value) for value in greedy]
    if item.rolling:
        sums, picks = [float(sum(sums))], [all(picks)]
    return protocol.ItemScore(
        logprobs=sums,
        greedy=picks,
        tokens=sum(len(scoring.tokens) - scoring.first for scoring in scorings),
        truncated=any(scoring.truncated for scoring in scorings),
    )


def _evaluate(
    decoder: Decoder, wave: Wave, nats: NDArray[np.float64], greedy: NDArray[np.bool_]
) -> int:
    decoder.clear()
    tokens = 0
    for stage in wave:
        for source, target in stage.copies:
            decoder.copy(source, target)
        tokens += _evaluate_segments(decoder, stage.segments, nats, greedy)
        for sequence in stage.drops:
            decoder.drop(sequence)
    return tokens


def _evaluate_segments(
    decoder: Decoder,
    segments: Sequence[Segment],
    nats: NDArray[np.float64],
    greedy: NDArray[np.bool_],
) -> int:
    lengths = [len(segment.tokens) for segment in segments]
    tokens = np.concatenate([np.asarray(s.tokens, dtype=np.int32) for s in segments])
    positions = np.concatenate([np.arange(s.start, s.start + len(s.tokens)) for s in segments])
    sequences = np.repeat([segment.sequence for segment in segments], lengths)
    pairs = _pairs(segments, lengths)
    flags = np.zeros(len(tokens), dtype=np.int8)
    flags[pairs[:, 0]] = 1
    rows_before = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    start = 0
    while start < len(tokens):
        # Bounded in tokens and in rows of logits, whose buffer would never shrink again.
        most_rows = rows_before[start] + decoder.rows
        stop = min(
            len(tokens),
            start + decoder.batch_tokens,
            int(np.searchsorted(rows_before, most_rows, side="right")) - 1,
        )
        logits = decoder.decode(
            tokens[start:stop],
            positions[start:stop].astype(np.int32),
            sequences[start:stop].astype(np.int32),
            flags[start:stop],
        )
        now = pairs[(pairs[:, 0] >= start) & (pairs[:, 0] < stop)]
        found, picked = target_logprobs(
            logits, rows_before[now[:, 0]] - rows_before[start], now[:, 2]
        )
        np.add.at(nats, now[:, 1], found)
        np.logical_and.at(greedy, now[:, 1], picked)
        start = stop
    return len(tokens)


def _pairs(segments: Sequence[Segment], lengths: Sequence[int]) -> NDArray[np.int64]:
    """Shape (n, 3): index of the token in the batch, index of the scoring, target token."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    found = [
        (int(offset) + at, index, token)
        for offset, segment in zip(offsets, segments, strict=False)
        for at, targets in segment.wanted
        for index, token in targets
    ]
    return np.asarray(found, dtype=np.int64).reshape(-1, 3)


def _scored_by(wave: Wave) -> int:
    """Scorings that are complete once this wave is; waves come in order."""
    indices = (
        index
        for stage in wave
        for segment in stage.segments
        for _, targets in segment.wanted
        for index, _ in targets
    )
    return max(indices, default=-1) + 1
