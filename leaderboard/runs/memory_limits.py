"""One candidate under several memory limits: where it fits, and how fast it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.conditions import conditions
from leaderboard.rows.flags import VERDICTS
from leaderboard.rows.metric import longest_workload
from leaderboard.rows.readers import headline_peak
from leaderboard.stats.intervals import Interval, mean_interval
from runners.records.latency import median_of
from runners.records.record import Record

UNKNOWN = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPoint:
    """All runs of a candidate under one limit."""

    limit_bytes: int | None
    """The limit; None: without one, which is what the others are read against."""
    verdict: str
    """The worst of its runs; `not judged` without a limit or where a record has none."""
    reason: str
    enforced: str
    """Mechanism that enforced the limit, or `not enforced`."""
    decode_tokens_per_s: float | None
    """Mean over the runs of each run's median; None where no run came so far."""
    decode_interval: Interval | None
    """95 %, run to run; None for a single run."""
    peak_bytes: int | None
    """The largest of the runs' headline peaks."""
    note: str
    """Caveat of the budget, as its record says it."""
    runs: int
    run_ids: tuple[str, ...]


def limit_curve(records: Sequence[Record], candidate: Record) -> tuple[LimitPoint, ...]:
    """The memory-limit curve of one candidate on one machine, in one build.

    Args:
        records: a store's, of any candidate.
        candidate: a run of the one that is meant; its machine and build, too.

    Returns:
        A point a limit, ascending, the unlimited one last; empty where no run had a memory limit.
        Runs whose suites differ share a point: the fixed workload of decode is what is compared,
        so those that lack its workload count for the verdict alone.
    """
    same = [one for one in records if _same(one, candidate)]
    by_limit: dict[int | None, list[Record]] = {}
    for run in same:
        by_limit.setdefault(limit_bytes(run), []).append(run)
    limited = sorted(limit for limit in by_limit if limit is not None)
    if not limited:
        return ()
    workload = longest_workload(candidate)
    last: list[int | None] = [None] if None in by_limit else []
    return tuple(_point(limit, by_limit[limit], workload) for limit in [*limited, *last])


def limit_bytes(record: Record) -> int | None:
    """The memory that a run was allowed, in bytes; None without such a limit."""
    return (record.budget.memory_bytes if record.budget else None) or None


def verdict_of(record: Record) -> tuple[str, str]:
    """A run's verdict and its reason."""
    given = record.verdict
    return (given.verdict or UNKNOWN, given.reason) if given else (UNKNOWN, "")


def enforced_by(record: Record) -> str:
    """Mechanism that held a run to its budget; `not enforced` where none did."""
    if record.budget is None:
        return "no budget"
    by = record.budget.enforced
    return (by.memory if by else None) or "not enforced"


def _same(one: Record, candidate: Record) -> bool:
    if one.candidate.digest != candidate.candidate.digest:
        return False
    a, b = conditions(one), conditions(candidate)
    return (a.place.machine, a.build) == (b.place.machine, b.build)


def _point(limit: int | None, runs: Sequence[Record], workload: str | None) -> LimitPoint:
    judged = [verdict_of(run) for run in runs]
    worst = max(range(len(runs)), key=lambda i: _badness(judged[i][0]))
    rates = [
        rate
        for run in runs
        if workload and workload in run.latency
        if (rate := median_of(run.latency[workload].decode_tokens_per_s)) is not None
    ]
    mean, interval = mean_interval(rates) if rates else (None, None)
    peaks = [round(peak) for run in runs if (peak := headline_peak(run)) is not None]
    return LimitPoint(
        limit_bytes=limit,
        verdict=judged[worst][0],
        reason=judged[worst][1],
        enforced=enforced_by(runs[worst]),
        decode_tokens_per_s=mean,
        decode_interval=interval,
        peak_bytes=max(peaks, default=None),
        note=budget.note if (budget := runs[worst].budget) else "",
        runs=len(runs),
        run_ids=tuple(run.run_id for run in runs),
    )


def _badness(verdict: str) -> int:
    """A word that is not known counts as worse than none and better than a judgement."""
    return len(VERDICTS) - VERDICTS.index(verdict) if verdict in VERDICTS else 0
