"""`weighin run --dry-run`: how long it will take, by the speed of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.units import format_duration
from runners.batches.agenda import Agenda
from runners.batches.course import MOST_LOOKS, planned
from runners.batches.pace import recorded_pace
from runners.batches.time_left import GivenTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.batches.batch import Batch
    from runners.batches.pace import Pace
    from runners.records.record import Record


UNKNOWN = "the speed of these candidates is not known here"
LOOKS = f"up to {MOST_LOOKS} looks at even parts of the time"


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
    seconds = sum(pace.run_s(_items(one, batch), batch.repeats) for one, pace in known)
    words = f"about {format_duration(seconds)} in all, by earlier runs here"
    return {"forecast_seconds": seconds}, [words]


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
        lines.append("  no look is possible: give more time, fewer candidates or a smaller suite")
    return {"stages": [one._asdict() for one in stages]}, lines


def _items(record: Record, batch: Batch) -> dict[str, int]:
    """Items of each task or group that a run of the suite answers, as the earlier one had them."""
    found: dict[str, int] = {}
    for task in record.accuracy.values():
        most = batch.limit or task.n
        found[task.group] = found.get(task.group, 0) + most
    return found


def _agenda(batch: Batch, record: Record) -> Agenda:
    """Items that there is room for: of a task the suite's number, of a group's tasks each alike."""
    entries = {one.task: one for one in batch.suite.tasks}
    sizes: dict[str, dict[str, int]] = {}
    for name, task in record.accuracy.items():
        entry = entries.get(task.entry or task.group) or entries.get(name)
        most = batch.limit or (entry.limit if entry else None) or task.n
        sizes.setdefault(task.group, {})[name] = min(most, task.documents or most)
    return Agenda(sizes=sizes)
