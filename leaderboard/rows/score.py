"""Scores of tasks, of groups and of a whole suite, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from evals.abilities import OTHER
from leaderboard.rows.counting import ability_of, as_share, left_out, no_share, unusable
from leaderboard.rows.design_effect import group_design_effect
from leaderboard.stats.guessing import Part
from leaderboard.stats.intervals import (
    Interval,
    above_chance,
    combined,
    combined_interval,
    proportion_interval,
)
from runners.records.record import TaskAccuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A task, a group or a whole suite."""

    name: str
    metric: str
    value: float | None
    stderr: float | None
    interval: Interval | None
    """95 %; None where the metric is not a proportion."""
    n: int
    chance: float | None
    told_from_chance: bool | None
    """True where the score differs significantly from guessing; None where there is no chance
    level."""
    note: str = ""
    left_out: str = ""
    """Why it enters no mean, whoever was asked; empty where it does."""
    unusable: str = ""
    """Why this candidate's number cannot be used; it has then no suite score."""
    ability: str = OTHER
    """Ability that it measures (`evals.abilities`)."""
    answered: bool = True
    """True where every item that was asked has been answered."""
    independent: int = 0
    """Items that would have its variance were they independent: n / design effect."""

    @property
    def counts(self) -> bool:
        """True where it is part of the mean over tasks."""
        known = self.value is not None and self.interval is not None and self.independent > 0
        return known and not self.left_out

    @property
    def part(self) -> Part | None:
        """Score in the form that is tested against guessing; None where the task enters no mean."""
        if not self.counts or self.value is None or self.interval is None:
            return None
        return Part(name=self.name, value=self.value, interval=self.interval,
                    chance=self.chance or 0.0, n=self.independent)  # fmt: skip


def task_score(name: str, task: TaskAccuracy) -> Score:
    """One task's score with its interval."""
    outside, broken = left_out(task), unusable(task)
    task = as_share(task)
    interval = told = None
    independent = 0
    if task.value is not None and task.n and not no_share(task) and not broken:
        effect = task.design_effect or 1.0
        interval = proportion_interval(task.value, task.stderr, task.n, design_effect=effect)
        independent = max(1, round(task.n / max(1.0, effect)))
        if task.chance is not None:
            told = above_chance(round(task.value * independent), independent, task.chance)
    return Score(
        name=name,
        metric=task.metric,
        value=None if broken else task.value,
        stderr=task.stderr,
        interval=interval,
        n=task.n,
        chance=task.chance,
        told_from_chance=told,
        note=task.note,
        left_out=outside,
        unusable=broken,
        independent=independent,
    )


def group_score(name: str, tasks: Sequence[TaskAccuracy]) -> Score:
    """Subjects of one group as lm-eval aggregates them: by their items, or each the same.

    Where each counts the same, the interval is that of as many items as would have the variance
    (L. Kish, Survey Sampling, 1965): of k tasks of n_i items k² / sum(1 / n_i). Clusters in its
    subjects widen it by the group's own design effect.
    """
    scored = [t for t in tasks if t.value is not None and t.n]
    n = sum(t.n for t in scored)
    if not n:
        return task_score(name, tasks[0])
    alike = not all(t.by_size for t in scored)
    weights = [1 if alike else t.n for t in scored]
    total = sum(weights)
    value = math.fsum((t.value or 0.0) * w for t, w in zip(scored, weights, strict=True)) / total
    errors = [t.stderr for t in scored if t.stderr is not None]
    stderr = None
    if len(errors) == len(scored):
        weighted = [
            ((t.stderr or 0.0) * w / total) ** 2 for t, w in zip(scored, weights, strict=True)
        ]
        stderr = math.sqrt(math.fsum(weighted))
    chances = [t.chance for t in scored]
    chance = None
    if None not in chances:
        chance = math.fsum((c or 0.0) * w for c, w in zip(chances, weights, strict=True)) / total
    effective = int(len(scored) ** 2 / math.fsum(1 / t.n for t in scored)) if alike else n
    whole = scored[0].model_copy(
        update={"value": value, "stderr": stderr, "n": effective, "chance": chance}
    )
    whole = whole.model_copy(update={"design_effect": group_design_effect(whole, scored)})
    return replace(task_score(name, whole), n=n)


def score_of_part(name: str, tasks: Mapping[str, TaskAccuracy]) -> Score:
    """A task's score, or a group's; a subject without a usable score leaves the group none."""
    whole = replace(
        task_score(name, tasks[name])
        if list(tasks) == [name]
        else group_score(name, [*tasks.values()]),
        ability=ability_of(tasks),
        answered=all(task.n == task.asked for task in tasks.values()),
    )
    if list(tasks) == [name]:
        return whole
    broken = "; ".join(f"{one}: {why}" for one, task in tasks.items() if (why := unusable(task)))
    if not broken:
        return whole
    return replace(
        whole, value=None, stderr=None, interval=None, told_from_chance=None, unusable=broken
    )


def _stderr(score: Score) -> float | None:
    """A task's standard error; where all items agree it is 0, which no sample can vouch for, and
    Wilson's interval stands in.
    """
    if score.stderr != 0 or score.interval is None:
        return score.stderr
    z = NormalDist().inv_cdf(0.975)
    return (score.interval.high - score.interval.low) / 2 / z


def suite_score(scores: Sequence[Score]) -> Score | None:
    """The unweighted mean of tasks and groups; None where none of them counts."""
    usable = [s for s in scores if s.counts]
    if not usable:
        return None
    if len(usable) == 1:
        return usable[0]
    value, stderr = combined([(s.value or 0.0, _stderr(s)) for s in usable])
    limits = [(s.value or 0.0, s.interval) for s in usable if s.interval is not None]
    return Score(
        name="suite",
        metric="mean",
        value=value,
        stderr=stderr,
        interval=combined_interval(limits),
        n=sum(s.n for s in usable),
        chance=None,
        told_from_chance=None,
    )
