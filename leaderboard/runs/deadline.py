"""Accuracy under a deadline: the share of generation items answered correctly within T seconds."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.stats.intervals import Interval, proportion_interval
from runners.records.standard_error import spread

NO_GENERATION = "no item of this run was answered by generating text, so none has token times"
NO_TIMES = "an answer has no token times"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineCurve:
    """One task's score as a function of how long a user waits."""

    task: str
    """Task or group."""
    times_s: tuple[float, ...]
    """Moments when each answer was complete, ascending: seconds from the request to its last
    token."""
    gained: tuple[float, ...]
    """The scores of the items answered until then, summed; the last one is what there is to gain.
    """
    n: int
    """Items answered."""
    asked: int
    """Items that the suite wanted; more than n in an incomplete run, and not in the shares."""
    scores: tuple[float, ...]
    """Each item's score, in the order of `times_s`."""
    clusters: tuple[Hashable, ...]
    """Cluster of each item, its passage or itself, in the same order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The score of a task under one deadline."""

    deadline_s: float
    share: float
    interval: Interval
    """95 %, over items."""
    n: int


def deadline_curves(answers: Answers) -> tuple[tuple[DeadlineCurve, ...], str]:
    """The curve of every generation task of a run.

    Args:
        answers: of a run, with its samples.

    Returns:
        The curves, and why there is none where that is so.
    """
    columns = answers.samples.column_names
    if "token_s" not in columns or "answer" not in columns:
        return (), NO_GENERATION
    times = answers.samples.column("token_s").to_pylist()
    written = answers.samples.column("answer").is_valid().to_pylist()
    prefill = (
        answers.samples.column("prefill_s").to_pylist()
        if "prefill_s" in columns
        else [None] * len(times)
    )
    found, reason = [], NO_GENERATION
    for part, scores in _curved(answers):
        rows = [answers.rows[key] for key in scores]
        if not rows or not all(written[row] for row in rows):
            continue
        ends = [_end(times[row], prefill[row]) for row in rows]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            reason = f"{part}: {NO_TIMES}"
            continue
        found.append(_curve(answers, part, scores, known))
    return tuple(found), "" if found else reason


def _curved(answers: Answers) -> Iterator[tuple[str, Mapping[ItemKey, float]]]:
    """Parts whose score is a mean over items; a group that counts its tasks alike task by task."""
    for part, scores in answers.scores.items():
        if all(answers.record.accuracy[key.task].by_size for key in scores):
            yield part, scores
            continue
        for task in dict.fromkeys(key.task for key in scores):
            yield task, {key: score for key, score in scores.items() if key.task == task}


def within(curve: DeadlineCurve, deadline_s: float) -> Within:
    """The score when answers that come later count as wrong.

    The interval is Wilson's where items are right or wrong (`stats.proportion_interval`).
    """
    done = bisect_right(curve.times_s, deadline_s)
    credited = [*curve.scores[:done], *([0.0] * (curve.n - done))]
    share = min(1.0, math.fsum(credited) / curve.n)
    sure = spread(credited, curve.clusters)
    interval = proportion_interval(share, sure.stderr, curve.n, design_effect=sure.design_effect)
    return Within(deadline_s=deadline_s, share=share, interval=interval, n=curve.n)


def steps(curve: DeadlineCurve) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The curve as a staircase: deadlines in seconds, and the share answered correctly by then.

    It starts at 0 seconds with nothing answered.
    """
    shares = [gained / curve.n for gained in curve.gained]
    return (0.0, *curve.times_s), (0.0, *shares)


def _end(tokens: Sequence[float] | None, prefill_s: float | None) -> float | None:
    """Moment when an answer was complete; one without a token took its prefill."""
    last = tokens[-1] if tokens else prefill_s
    return None if last is None or not math.isfinite(last) else last


def _curve(
    answers: Answers, part: str, scores: Mapping[ItemKey, float], ends: Sequence[float]
) -> DeadlineCurve:
    passages = answers.passages()
    clusters = [passages.get(key, (key.task, key.item)) for key in scores]
    ordered = sorted(zip(ends, scores.values(), clusters, strict=True), key=lambda one: one[:2])
    known = answers.record.accuracy.items()
    tasks = [task for name, task in known if part in (name, task.group)]
    return DeadlineCurve(
        task=part,
        times_s=tuple(end for end, _, _ in ordered),
        gained=tuple(accumulate(score for _, score, _ in ordered)),
        n=len(ordered),
        asked=sum(task.asked for task in tasks),
        scores=tuple(score for _, score, _ in ordered),
        clusters=tuple(cluster for _, _, cluster in ordered),
    )
