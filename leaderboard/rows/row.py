"""Records -> rows that people compare: one number an axis, each with its interval.

A task's score is its headline metric. A group (mmlu) is its subjects weighted as lm-eval does; the
suite's score is the unweighted mean of tasks and groups, so that no task counts for more because
it has more items. Which tasks enter it is decided by the task (`counting`), for all candidates
alike; a candidate that lacks a usable number in any task of the suite has no suite score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from leaderboard.rows.counting import agreed, as_share, left_out, missing_tasks, parts, unusable
from leaderboard.rows.design_effect import group_design_effect
from leaderboard.rows.flags import flags_of, joined_flags, worst_verdict
from leaderboard.rows.metric import Metric, Number
from leaderboard.rows.metrics import ACCURACY, NORMALISED, WORKS_FROM, numbers_of
from leaderboard.rows.repeats import RunsKey, counted, newest_of, runs_key
from leaderboard.rows.working_limits import Tried, WorkingLimit, smallest, tried, working_limits
from leaderboard.stats.guessing import Part, below, normalised
from leaderboard.stats.intervals import (
    Interval,
    above_chance,
    combined,
    combined_interval,
    proportion_interval,
)
from runners.records.record import Record, TaskAccuracy


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
    independent: int = 0
    """Items that would have its variance were they independent: n / design effect."""

    @property
    def part(self) -> Part | None:
        """Score in the form that is tested against guessing; None where the task enters no mean."""
        if self.value is None or self.interval is None or not self.independent:
            return None
        return Part(name=self.name, value=self.value, interval=self.interval,
                    chance=self.chance or 0.0, n=self.independent)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record on the board."""

    record: Record
    score: Score | None
    scores: tuple[Score, ...]
    """Tasks and groups, in the suite's order."""
    unscored: str = ""
    """Why there is no suite score although every item was answered, naming task and documents."""
    numbers: Mapping[str, Number]
    """Every other metric of `METRICS` by its key."""
    runs: int = 1
    """Process runs that times and memory are means of."""
    verdict: str | None = None
    """Worst verdict of its runs on the budget; None without a budget."""
    flags: tuple[str, ...] = ()
    """Names of what a reader should know, first of all a status other than completed."""

    def number(self, key: str) -> Number:
        """A metric by its key in `METRICS`; without a value where it was not measured."""
        if key != ACCURACY:
            return self.numbers.get(key, Number())
        score = self.score
        return Number(value=score.value, interval=score.interval) if score else Number()

    def value(self, key: str) -> float | None:
        """A metric in its stored unit; None where it was not measured."""
        return self.number(key).value

    def basis(self, metric: Metric) -> str:
        """Basis of a metric's interval: the number of items, or of runs."""
        if metric.over == "items":
            return f"n = {self.score.n:,}" if self.score else ""
        return f"{self.runs} run{'s' if self.runs != 1 else ''}"


def row(record: Record) -> Row:
    """One record as a row; what was not measured is None."""
    found = _one_run(record)
    numbers = {**numbers_of([record]), **found.numbers}
    return replace(found, numbers=numbers, flags=(*found.flags, *_below_guessing(found.scores)))


def _one_run(record: Record) -> Row:
    """A row before its times and memory are read, those of its repeats together."""
    scores = tuple(score_of_part(name, tasks) for name, tasks in parts(record).items())
    unscored = _unscored(record, scores)
    counts = _answered(record) and not unscored
    return Row(
        record=record,
        score=_suite_score(scores) if counts else None,
        scores=scores,
        unscored=unscored,
        numbers={NORMALISED: _normalised(scores if counts else ())},
        verdict=record.verdict.verdict if record.verdict else None,
        flags=flags_of(record),
    )


def _answered(record: Record) -> bool:
    """True where every item was answered: a mean of the first tasks is no suite's score."""
    return all(task.n == task.asked for task in record.accuracy.values())


def _normalised(scores: Sequence[Score]) -> Number:
    found = normalised([part for score in scores if (part := score.part)])
    return Number() if found is None else Number(value=found[0], interval=found[1])


def _below_guessing(scores: Sequence[Score]) -> list[str]:
    names = below([part for score in scores if (part := score.part)])
    return [f"below guessing: {', '.join(names)}"] if names else []


def _unscored(record: Record, scores: Sequence[Score]) -> str:
    lacking = [f"{name}: the record has no score of it" for name in missing_tasks(record)]
    return "; ".join([*(f"{s.name}: {s.unusable}" for s in scores if s.unusable), *lacking])


def merged(records: Sequence[Record]) -> list[Row]:
    """Rows of what belongs together: repeats of one candidate on one suite, machine and budget.

    Accuracy is the newest record's that has one; times and memory are means over the runs that
    count (`leaderboard.rows.repeats.counted`). In the order in which candidates first appear.
    """
    groups: dict[RunsKey, list[Record]] = {}
    for record in agreed(records):
        groups.setdefault(runs_key(record), []).append(record)
    runs = [counted(newest_of(alike), alike) for alike in groups.values()]
    limits = working_limits(records)
    return [_merge([_one_run(record) for record in group], limits) for group in runs]


def _merge(rows: Sequence[Row], limits: Mapping[Tried, WorkingLimit]) -> Row:
    # What failed is shown rather than hidden behind the repeats that did not.
    lead = max(rows, key=lambda r: (r.record.status != "completed", _scored(r)))
    # Likewise a repeat that has no usable score, where each repeat is scored.
    scored = max(reversed(rows), key=lambda r: (bool(r.unscored), _scored(r)))
    numbers = numbers_of([r.record for r in rows])
    # A run under a limit says by its verdict what it needs.
    limit = None if lead.record.budget else limits.get(tried(lead.record))
    works_from = smallest(limit, numbers["memory"].value)
    return replace(
        lead,
        score=scored.score,
        scores=scored.scores,
        unscored=scored.unscored,
        numbers={
            **numbers,
            NORMALISED: scored.numbers[NORMALISED],
            WORKS_FROM: Number(value=works_from),
        },
        runs=sum(bool(r.record.latency) for r in rows),
        verdict=worst_verdict([r.verdict for r in rows]),
        flags=(*joined_flags([r.flags for r in rows]), *_below_guessing(scored.scores)),
    )


def _scored(row: Row) -> tuple[bool, bool]:
    """Two sorting keys: True where the row has its suite's score; True where it has any task's."""
    return row.score is not None, any(score.value is not None for score in row.scores)


def task_score(name: str, task: TaskAccuracy) -> Score:
    """One task's score with its interval."""
    outside, broken = left_out(task), unusable(task)
    task = as_share(task)
    interval = told = None
    independent = 0
    if task.value is not None and task.n and not outside and not broken:
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
    if list(tasks) == [name]:
        return task_score(name, tasks[name])
    whole = group_score(name, [*tasks.values()])
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


def _suite_score(scores: Sequence[Score]) -> Score | None:
    usable = [s for s in scores if s.interval is not None and s.value is not None]
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
