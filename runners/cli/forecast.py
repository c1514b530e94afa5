"""`weighin run --dry-run`: how long it will take, by the speed of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.tasks.proportion import in_proportion
from leaderboard.units import format_duration
from runners.batches.agenda import Agenda
from runners.batches.course import MOST_LOOKS, planned
from runners.batches.pace import recorded_pace
from runners.batches.time_left import GivenTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evals.suites import SuiteTask
    from runners.batches.batch import Batch
    from runners.batches.pace import Pace
    from runners.records.record import Record, TaskAccuracy


UNKNOWN = "the speed of these candidates is not known here"
LOOKS = f"as a rule up to {MOST_LOOKS} looks at even parts of the time"


def forecast(
    batch: Batch, last: Sequence[Record | None], time_s: float | None
) -> tuple[dict[str, Any], list[str]]:
    """How long a batch takes.

    Args:
        batch: what is asked for.
        last: the newest run of each candidate on this suite, where there is one.
        time_s: that was given; None: it may take as long as it takes.

    Returns:
        Seconds in all, or the stages of a given time, as JSON; and the same in words.
    """
    known = [(one, pace) for one in last if one is not None and (pace := recorded_pace(one))]
    whole = len(known) == len(last) and bool(known)
    if time_s is not None and whole:
        return _stages(_agenda(batch, known[0][0]), [pace for _, pace in known], time_s)
    if time_s is not None:
        words = f"in {format_duration(time_s)}: a few items first, since {UNKNOWN}; then {LOOKS}"
        return {"stages": None}, [words]
    if not whole:
        return {"forecast_seconds": None}, []
    seconds = sum(pace.run_s(_items(batch, one), batch.repeats) for one, pace in known)
    words = f"about {format_duration(seconds)} in all, by earlier runs here"
    return {"forecast_seconds": seconds}, [words]


def last_run(name: str, batch: Batch, records: Sequence[Record]) -> Record | None:
    """The newest run of a candidate on this suite under this budget that came to an answer.

    Args:
        name: of the candidate.
        batch: what is asked for.
        records: of the store, oldest first.

    Returns:
        One that answered tasks, where there is one: a repeat is timed alone, and tells less.
    """
    wanted = (name, batch.suite.name, batch.budget.name if batch.budget else None)
    timed: Record | None = None
    for record in reversed(records):
        budget = record.budget.name if record.budget else None
        same = (record.candidate.name, record.suite.name, budget) == wanted
        if not (same and record.is_answer and record.job.seconds):
            continue
        if record.job.scores and record.accuracy:
            return record
        timed = timed or record
    return timed


def _stages(
    agenda: Agenda, paces: Sequence[Pace], time_s: float
) -> tuple[dict[str, Any], list[str]]:
    clock = GivenTime(given_s=time_s, started_s=0.0, now=lambda: 0.0)
    stages = list(planned(agenda, paces, clock.end_s))
    lines = [f"in {format_duration(time_s)}, by earlier runs here, were all to stay until the end:"]
    lines += [
        f"  {one.name}: {one.items:,} items of each candidate, until about "
        f"{format_duration(one.ends_s)}"
        for one in stages
    ]
    if len(stages) == 1:
        lines.append(
            "  the suite has no more items: more time would tell no more"
            if stages[0].items == agenda.total
            else "  no look is possible: give more time, fewer candidates or a smaller suite"
        )
    return {"stages": [one._asdict() for one in stages]}, lines


def _items(batch: Batch, record: Record) -> dict[str, int]:
    """Items of each task or group that a run of the suite answers."""
    sizes = _agenda(batch, record).sizes
    return {part: sum(tasks.values()) for part, tasks in sizes.items()}


def _agenda(batch: Batch, record: Record) -> Agenda:
    """Items that a run of the suite has, whatever limit or time the earlier one was given."""
    entries = {one.task: one for one in batch.suite.tasks}
    asked_for: dict[str, dict[str, TaskAccuracy]] = {}
    for name, task in record.accuracy.items():
        entry = task.entry or task.group
        asked_for.setdefault(entry if entry in entries else name, {})[name] = task
    sizes: dict[str, dict[str, int]] = {}
    for entry, tasks in asked_for.items():
        counts = _counts([*tasks.values()], entries.get(entry), batch.limit)
        for (name, task), count in zip(tasks.items(), counts, strict=True):
            sizes.setdefault(task.group, {})[name] = count
    alike = frozenset(task.group for task in record.accuracy.values() if not task.by_size)
    return Agenda(sizes=sizes, alike=alike)


def _counts(tasks: Sequence[TaskAccuracy], entry: SuiteTask | None, limit: int | None) -> list[int]:
    """Items of each task of one entry, as they are drawn when the suite is loaded.

    Where the record does not say how many a task has in all, it has those that were answered, or as
    many as the suite wants.
    """
    total = entry.total if entry and limit is None else None
    most = limit or (entry.limit if entry else None)
    there = [task.documents or max(task.n, most or 1) for task in tasks]
    if total is not None:
        return in_proportion(total, there)
    return [min(count, most or count) for count in there]
