"""Carry out a plan: evaluate segments in batches, and add up what the rows of logits say.

Every in-process runtime shares this; what differs is the `Decoder`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from runners.engine.decoder import Decoder
from runners.engine.encoding import Scoring
from runners.engine.logprobs import target_logprobs
from runners.engine.plan import Segment, Stage, plan
from runners.worker import protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.engine.plan import Limits
    from runners.worker.runtime import OnProgress


Scores = tuple[list["NDArray[np.float64]"], list["NDArray[np.bool_]"], int]
"""By item, summed log-probabilities (nats), shape (its scorings,), and greedy flags of that shape;
then the number of distinct tokens."""
ScoreItems = Callable[[Sequence[Sequence[Scoring]], "OnProgress"], Scores]
"""Scores items, given the scorings of each; told as they go how many are complete."""


class Scorer:
    """Scores windows. A window's preamble stays in the cache for the next one that has it, in the
    cells that it would take in an empty one.
    """

    def __init__(self, decoder: Decoder, limits: Limits) -> None:
        self._decoder, self.limits = decoder, limits
        self._held: tuple[int, ...] | None = None
        """Tokens of sequence 0 in the cache; None: the cache is to be cleared."""

    def score(self, items: Sequence[Sequence[Scoring]], progress: OnProgress) -> Scores:
        """Score a window. A preamble that was kept counts as evaluated: with it or without, the
        same window has the same count.
        """
        if not items:
            return [], [], 0
        sizes = np.asarray([len(part) for part in items], dtype=np.int64)
        scorings = [scoring for part in items for scoring in part]
        nats, greedy = np.zeros(len(scorings)), np.ones(len(scorings), dtype=np.bool_)
        item_of = np.repeat(np.arange(len(items)), sizes)
        missing = np.zeros(len(items), dtype=np.int64)
        np.add.at(missing, item_of, [len(s.tokens) - s.first for s in scorings])
        laid_out = plan(scorings, self.limits)
        evaluated = self._hold(laid_out.preamble)
        for wave in laid_out.waves:
            for stage in wave:
                read = self._run(stage, nats, greedy)
                np.subtract.at(missing, item_of[read], 1)
                evaluated += sum(len(segment.tokens) for segment in stage.segments)
            progress(int(np.count_nonzero(missing == 0)))
        self._held = laid_out.preamble
        ends = np.cumsum(sizes)[:-1]
        return np.split(nats, ends), np.split(greedy, ends), evaluated

    def forget(self) -> None:
        """The cache is used for something else: start from an empty one."""
        self._held = None

    def _hold(self, preamble: tuple[int, ...]) -> int:
        held, self._held = self._held, None
        if held != preamble:
            self._decoder.clear()
            if preamble:
                segment = Segment(first=0, count=1, start=0, tokens=preamble, wanted=())
                self._run(Stage(segments=(segment,)), np.empty(0), np.empty(0, dtype=np.bool_))
        return len(preamble)

    def _run(
        self, stage: Stage, nats: NDArray[np.float64], greedy: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Carry out a stage; the index of the scoring of each row that was read."""
        for source, target in stage.copies:
            self._decoder.copy(source, target)
        read = _evaluate(self._decoder, stage.segments, nats, greedy)
        for sequence in stage.drops:
            self._decoder.drop(sequence)
        return read


def score_plain(
    decoder: Decoder, items: Sequence[Sequence[Scoring]], progress: OnProgress
) -> Scores:
    """Score one sequence at a time from an empty cache, without sharing; same result as
    `Scorer.score`.
    """
    nats = [np.zeros(len(part)) for part in items]
    greedy = [np.ones(len(part), dtype=np.bool_) for part in items]
    evaluated = 0
    for number, part in enumerate(items):
        for index, scoring in enumerate(part):
            targets = enumerate(scoring.tokens[scoring.first :], start=scoring.first - 1)
            segment = Segment(
                first=0,
                count=1,
                start=0,
                tokens=scoring.read,
                wanted=tuple((position, ((index, token),)) for position, token in targets),
            )
            decoder.clear()
            _evaluate(decoder, (segment,), nats[number], greedy[number])
            evaluated += len(scoring.read)
        progress(number + 1)
    return nats, greedy, evaluated


def scored(
    how: ScoreItems,
    items: Sequence[protocol.ScoreItem],
    scorings_of: Callable[[protocol.ScoreItem], list[Scoring]],
    progress: OnProgress,
) -> protocol.Scored:
    """The answer for a window: its items encoded and scored, and the time that both took."""
    started = time.perf_counter()
    scorings = [scorings_of(item) for item in items]
    nats, greedy, evaluated = how(scorings, progress)
    return protocol.Scored(
        items=[item_score(*part) for part in zip(items, scorings, nats, greedy, strict=True)],
        seconds=time.perf_counter() - started,
        raw_tokens=sum(len(s.read) for part in scorings for s in part),
        distinct_tokens=evaluated,
    )


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
        alone=sum(scoring.alone for scoring in scorings),
    )


def _evaluate(
    decoder: Decoder,
    segments: Sequence[Segment],
    nats: NDArray[np.float64],
    greedy: NDArray[np.bool_],
) -> NDArray[np.int64]:
    if not segments:
        return np.empty(0, dtype=np.int64)
    lengths = [len(segment.tokens) for segment in segments]
    tokens = np.concatenate([np.asarray(s.tokens, dtype=np.int32) for s in segments])
    positions = np.concatenate(
        [np.arange(s.start, s.start + len(s.tokens), dtype=np.int32) for s in segments]
    )
    sequences = np.repeat(np.asarray([s.first for s in segments], dtype=np.int32), lengths)
    counts = np.repeat(np.asarray([s.count for s in segments], dtype=np.int32), lengths)
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
        batch = slice(start, stop)
        logits = decoder.decode(
            tokens[batch], positions[batch], sequences[batch], counts[batch], flags[batch]
        )
        now = pairs[(pairs[:, 0] >= start) & (pairs[:, 0] < stop)]
        found, picked = target_logprobs(
            logits, rows_before[now[:, 0]] - rows_before[start], now[:, 2]
        )
        np.add.at(nats, now[:, 1], found)
        np.logical_and.at(greedy, now[:, 1], picked)
        start = stop
    return pairs[:, 1]


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
