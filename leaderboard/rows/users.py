"""Metrics of several users at once, shown where some candidate was asked by several."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.rows.metric import Metric, Number, Tolerance, mean_of_runs
from leaderboard.units import COUNT, TOKENS_PER_S
from runners.records.goodput import served
from runners.records.record import Record


def users_served(record: Record, _workload: str = "") -> float | None:
    """The most users of one run who are served within its deadlines."""
    return None if record.users is None else served(record.users)


def most_throughput(record: Record, _workload: str = "") -> float | None:
    """The greatest output throughput of a run's numbers of users."""
    levels = record.users.levels if record.users else []
    known = [one.output_throughput for one in levels if one.output_throughput is not None]
    return max(known, default=None)


def _asked(record: Record) -> object:
    """Numbers of users and windows; throughputs of others do not compare."""
    users = record.users
    if users is None or most_throughput(record) is None:
        return None
    return tuple(level.users for level in users.levels), users.seconds, tuple(users.workloads)


def _fewest(values: Sequence[float]) -> Number:
    """The smallest number of users of several runs, which each of them served."""
    basis = f"smallest of {len(values)} runs" if len(values) > 1 else ""
    return Number(value=min(values), basis=basis)


USERS_METRICS = (
    Metric(
        key="users",
        name="users_served",
        title="users within the deadline",
        short="users",
        hint="The most users at once of whose requests 95% keep to the deadlines on TTFT and TPOT, "
        "of the numbers that were tried; in every run.",
        unit=COUNT,
        better="higher",
        over="runs",
        run=users_served,
        combine=_fewest,
        if_known=True,
    ),
    Metric(
        key="throughput",
        name="output_throughput_tokens_per_s",
        title="output throughput, several users",
        short="throughput",
        hint="Output tokens a second of all users together, at the number of users that has most.",
        unit=TOKENS_PER_S,
        better="higher",
        over="runs",
        run=most_throughput,
        combine=mean_of_runs,
        asked=_asked,
        if_known=True,
        gate=Tolerance(what="output throughput", margin=0.10),
    ),
)
