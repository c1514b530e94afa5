"""Records -> rows that people compare: one number an axis, each with its interval.

A task's score is its headline metric. A group (mmlu) is its subjects weighted as lm-eval does; the
suite's score is the unweighted mean of tasks and groups, so that no task counts for more because
it has more items. Which tasks enter it is decided by the task (`counting`), for all candidates
alike; a candidate that lacks a usable number in any task of the suite has no suite score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.rows.counting import agreed, missing_tasks, parts
from leaderboard.rows.flags import flags_of, joined_flags, stopped, worst_verdict
from leaderboard.rows.metric import Metric, Number
from leaderboard.rows.metrics import ACCURACY, NORMALISED, WORKS_FROM, numbers_of
from leaderboard.rows.repeats import RunsKey, counted, newest_of, runs_key
from leaderboard.rows.score import Score, score_of_part, suite_score
from leaderboard.rows.working_limits import Tried, WorkingLimit, smallest, tried, working_limits
from leaderboard.stats.guessing import below, normalised
from runners.records.record import Record


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
    flags = (*found.flags, *stopped(record), *_below_guessing(found.scores))
    return replace(found, numbers=numbers, flags=flags)


def _one_run(record: Record) -> Row:
    """A row before its times and memory are read, those of its repeats together."""
    scores = tuple(score_of_part(name, tasks) for name, tasks in parts(record).items())
    unscored = _unscored(record, scores)
    counts = _answered(record) and not unscored
    return Row(
        record=record,
        score=suite_score(scores) if counts else None,
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
    lacking = [f"{name}: {why}" for name, why in missing_tasks(record).items()]
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
        flags=(
            *joined_flags([r.flags for r in rows]),
            *stopped(scored.record),
            *_below_guessing(scored.scores),
        ),
    )


def _scored(row: Row) -> tuple[bool, bool]:
    """Two sorting keys: True where the row has its suite's score; True where it has any task's."""
    return row.score is not None, any(score.value is not None for score in row.scores)
