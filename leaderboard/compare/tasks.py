"""One task of two candidates: paired item by item, or document by document."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from evals.scales import LIKELIHOODS
from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.rows.counting import left_out, no_share, parts, scale_of
from leaderboard.rows.score import score_of_part
from leaderboard.stats.corrections import benjamini_hochberg
from leaderboard.stats.likelihoods import LikelihoodDifference, likelihood_difference
from leaderboard.stats.paired_means import PairedDifference, mean_difference, paired_difference
from runners.records.record import Record, TaskAccuracy

NO_SAMPLES = "the samples of one side are not at hand"
NO_SHARED = "no item was answered by both"
OTHER_WEIGHTS = "the two runs count the words or bytes of a document differently"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """One task, or one group with the items of all its subjects together."""

    name: str
    metric: str
    reference: float | None
    """Mean over the items that both answered; so is `other`."""
    other: float | None
    paired: PairedDifference | None
    p_adjusted: float | None
    """McNemar's p after Benjamini-Hochberg over the tasks."""
    only_reference: tuple[ItemKey, ...] = ()
    """Items that the other has no score for."""
    only_other: tuple[ItemKey, ...] = ()
    counts: bool = True
    """True where the task belongs to the mean over tasks, whoever is compared."""
    by_item: bool = True
    """True where its items' scores are shares, which are compared item by item."""
    recorded: tuple[float | None, float | None] = (None, None)
    """The two records' own scores, on the task's scale."""
    scale: str = "unknown"
    """Scale of the task's score (`evals.scales.Scale`)."""
    likelihood: LikelihoodDifference | None = None
    """Difference of perplexity or bits per byte, over the documents that both have."""
    reason: str = ""
    """Why its items' scores are not compared; of what enters no mean, why it does not."""


def compare_tasks(
    reference: Record,
    other: Record,
    answers: tuple[Answers, Answers] | None,
    clusters: Mapping[ItemKey, Hashable],
    confidence: float,
) -> tuple[TaskComparison, ...]:
    """Every task and group of either record, compared over what both answered.

    Args:
        reference: one run.
        other: the other.
        answers: of both; None where the samples of one are not at hand.
        clusters: what an item shares with others.
        confidence: two-sided, of every interval.
    """
    sides = parts(reference), parts(other)
    order = dict.fromkeys([*sides[0], *sides[1]])
    found = [
        _task(
            _unpaired(name, sides[0].get(name), sides[1].get(name)), answers, clusters, confidence
        )
        for name in order
    ]
    tested = [i for i, task in enumerate(found) if task.paired]
    adjusted = benjamini_hochberg([t.paired.p for t in found if t.paired])
    for i, p in zip(tested, adjusted, strict=True):
        found[i] = replace(found[i], p_adjusted=p)
    return tuple(found)


def _unpaired(
    name: str,
    reference: Mapping[str, TaskAccuracy] | None,
    other: Mapping[str, TaskAccuracy] | None,
) -> TaskComparison:
    """A task or group with what the records say of it; one side may not have it."""
    tasks = [*(reference or other or {}).values()]
    no_items = no_share(tasks[0])
    values = [score_of_part(name, one).value if one else None for one in (reference, other)]
    return TaskComparison(
        name=name,
        metric=tasks[0].metric,
        reference=None,
        other=None,
        paired=None,
        p_adjusted=None,
        counts=not left_out(tasks[0]),
        by_item=not no_items,
        scale=scale_of(tasks[0]),
        recorded=(values[0], values[1]),
        reason=no_items,
    )


def _task(
    empty: TaskComparison,
    answers: tuple[Answers, Answers] | None,
    clusters: Mapping[ItemKey, Hashable],
    confidence: float,
) -> TaskComparison:
    if answers is None:
        return replace(empty, reason=empty.reason or NO_SAMPLES)
    name = empty.name
    broken = [
        f"{one.record.candidate.name}: {one.unusable[name]}"
        for one in answers
        if name in one.unusable
    ]
    if broken:
        return replace(empty, reason="; ".join(dict.fromkeys(broken)))
    if not empty.by_item:
        return _by_likelihood(empty, answers, clusters, confidence)
    a, b = (one.scores.get(name, {}) for one in answers)
    shared = [key for key in a if key in b]
    listed = replace(
        empty,
        only_reference=tuple(key for key in a if key not in b),
        only_other=tuple(key for key in b if key not in a),
    )
    if not shared:
        return replace(listed, reason=NO_SHARED)
    found = [
        _pair([a[key] for key in keys], [b[key] for key in keys], keys, clusters, confidence)
        for keys in _weighed_alike(shared, answers)
    ]
    means = [math.fsum(side) / len(found) for side in zip(*(one[:2] for one in found), strict=True)]
    paired = mean_difference([one[2] for one in found], confidence=confidence)
    return replace(listed, reference=means[0], other=means[1], paired=paired)


def _weighed_alike(
    shared: Sequence[ItemKey], answers: tuple[Answers, Answers]
) -> list[list[ItemKey]]:
    """Items whose means count the same: all of a part, or of a group that says so those of each
    task.
    """
    counts = [one.record.accuracy for one in answers]
    if all(side[key.task].by_size for side in counts for key in shared):
        return [list(shared)]
    by_task: dict[str, list[ItemKey]] = {}
    for key in shared:
        by_task.setdefault(key.task, []).append(key)
    return list(by_task.values())


def _pair(
    first: Sequence[float],
    second: Sequence[float],
    keys: Sequence[ItemKey],
    clusters: Mapping[ItemKey, Hashable],
    confidence: float,
) -> tuple[float, float, PairedDifference]:
    groups = [clusters.get(key, (key.task, key.item)) for key in keys]
    paired = paired_difference(first, second, clusters=groups, confidence=confidence)
    return math.fsum(first) / len(first), math.fsum(second) / len(second), paired


def _by_likelihood(
    empty: TaskComparison,
    answers: tuple[Answers, Answers],
    clusters: Mapping[ItemKey, Hashable],
    confidence: float,
) -> TaskComparison:
    """A perplexity, by the log-likelihoods of the documents that both have."""
    if empty.scale not in LIKELIHOODS:
        return empty
    a, b = (one.documents.get(empty.name, {}) for one in answers)
    shared = [key for key in a if key in b]
    listed = replace(
        empty,
        only_reference=tuple(key for key in a if key not in b),
        only_other=tuple(key for key in b if key not in a),
    )
    if not shared:
        return replace(listed, reason=NO_SHARED)
    if any(a[key][1] != b[key][1] for key in shared):
        return replace(listed, reason=OTHER_WEIGHTS)
    found = likelihood_difference(
        [a[key] for key in shared],
        [b[key] for key in shared],
        clusters=[clusters.get(key, (key.task, key.item)) for key in shared],
        confidence=confidence,
    )
    return replace(listed, likelihood=found)
