"""The memory limit from which on a candidate works, where runs under limits are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from leaderboard.rows.conditions import conditions
from runners.records.record import Record

WORKING = ("fits", "too slow")
"""Verdicts of a run that memory did not hinder: speed is no question of memory, short of
thrashing."""


class Tried(NamedTuple):
    """Candidate, machine and build that runs under memory limits share."""

    digest: str
    machine: str
    build: str


def tried(record: Record) -> Tried:
    """Candidate, machine and build of a run."""
    found = conditions(record)
    return Tried(record.candidate.digest, found.place.machine, found.build)


class WorkingLimit(NamedTuple):
    """Smallest memory limit in which a candidate was seen to work."""

    memory_bytes: int
    edge: bool
    """True where it did not work under a smaller limit; else how little would do is not known."""


def working_limits(records: Iterable[Record]) -> dict[Tried, WorkingLimit]:
    """The smallest memory limit under which a candidate works, as `weighin fit` finds it.

    Args:
        records: of any candidate.

    Returns:
        The smallest limit such that every run under it and under each larger one worked: it was
        held to the limit, its verdict is one of WORKING, and it scored as every run of its suite
        without a limit did. Candidates without such a limit are left out.
    """
    limited: dict[Tried, dict[int, list[Record]]] = {}
    free: dict[tuple[Tried, str], list[Record]] = {}
    for record in records:
        memory = record.budget.memory_bytes if record.budget else None
        if memory:
            limited.setdefault(tried(record), {}).setdefault(memory, []).append(record)
        elif record.status == "completed":
            free.setdefault((tried(record), record.suite.digest), []).append(record)
    found: dict[Tried, WorkingLimit] = {}
    for key, by_limit in limited.items():
        for memory in sorted(by_limit, reverse=True):
            runs = by_limit[memory]
            if not all(_works(run, free.get((key, run.suite.digest), [])) for run in runs):
                if key in found:
                    found[key] = found[key]._replace(edge=True)
                break
            found[key] = WorkingLimit(memory, edge=False)
    return found


def smallest(found: WorkingLimit | None, peak_bytes: float | None) -> int | None:
    """The limit, where it says more than the peak does: a limit far above it says nothing new."""
    if found is None:
        return None
    known = found.edge or (peak_bytes is not None and found.memory_bytes < peak_bytes)
    return found.memory_bytes if known else None


def _works(run: Record, free: Iterable[Record]) -> bool:
    held = run.budget is not None and run.budget.enforced is not None and run.budget.enforced.memory
    worked = run.verdict is not None and run.verdict.verdict in WORKING
    return bool(held) and worked and all(_alike(run, one) for one in free)


def _alike(run: Record, free: Record) -> bool:
    """True where no task that both scored has another score under the limit."""
    return all(
        task.value == free.accuracy[name].value
        for name, task in run.accuracy.items()
        if name in free.accuracy and task.n == free.accuracy[name].n
    )
