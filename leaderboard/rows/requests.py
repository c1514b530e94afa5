"""The timed requests of all runs of a candidate, pooled for the slow end of its times and rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from leaderboard.rows.metric import Metric, Number, Read, longest_workload, mean_of_runs
from leaderboard.stats.intervals import Interval, mean_interval
from leaderboard.stats.tails import Slow, Tail, tail
from leaderboard.units import TOKENS_PER_S
from runners.records.answers import SummaryInfo
from runners.records.latency import by_request
from runners.records.record import Record
from runners.records.timed import WorkloadLatency

Requests = Literal["ttft_s", "decode_tokens_per_s", "prefill_tokens_per_s"]
"""Numbers that each timed request has one of."""

BEARS = "Slowest below 20 requests, 90th percentile from 20, 95th from 60."
"""Explanation of a slow end, for readers."""


def request_values(workload: WorkloadLatency, name: Requests) -> list[float]:
    """The number of each request of one run; from the raw times where the record has them."""
    summary: SummaryInfo | None = getattr(workload, name)
    if summary is not None and summary.values is not None:
        return summary.values
    return by_request(workload.repeats, workload.evaluated_tokens)[name]


def workload_tail(runs: Sequence[Record], workload: str, name: Requests, slow: Slow) -> Tail | None:
    """The slow end of a workload's requests, those of all runs together."""
    having = [run.latency[workload] for run in runs if workload in run.latency]
    return tail([value for one in having for value in request_values(one, name)], slow)


def tail_of_run(name: Requests, slow: Slow) -> Read:
    """The slow end of one run's own requests."""

    def value(record: Record, workload: str) -> float | None:
        found = workload_tail([record], workload, name, slow)
        return found.value if found else None

    return value


def tail_of_runs(name: Requests, slow: Slow) -> Callable[[Sequence[Record]], Number]:
    """The slow end of all runs' requests together, of the workload that a row shows.

    It has no interval: of so few values none can be said. Other runs are drawn about it with the
    relative spread of the runs' own slow ends.
    """
    own = tail_of_run(name, slow)

    def number(runs: Sequence[Record]) -> Number:
        workloads = (longest_workload(run) for run in reversed(runs))
        last = next((name for name in workloads if name), "")
        found = workload_tail(runs, last, name, slow)
        if found is None:
            return Number()
        ends = [end for run in runs if (end := own(run, last)) is not None]
        mean, interval = mean_interval(ends)
        drawn = None
        if interval is not None and mean > 0:
            half = found.value * interval.half / mean
            spread = Interval(low=found.value - half, high=found.value + half)
            drawn = Number(value=found.value, interval=spread)
        return Number(value=found.value, basis=found.basis, drawn=drawn)

    return number


def slow_rate(key: str, of: Requests, what: str, tokens: str) -> Metric:
    """The slow end of a rate of the requests."""
    return Metric(
        key=key,
        name=of.replace("_tokens", "_tail_tokens"),
        title=f"{what}, slow end",
        short=f"{what} tail",
        hint=f"{tokens} tokens a second of the slow requests, all runs together. {BEARS}",
        unit=TOKENS_PER_S,
        better="higher",
        over="runs",
        run=tail_of_run(of, "low"),
        combine=mean_of_runs,
        pool=tail_of_runs(of, "low"),
        by_workload=True,
        download=f"{of}.tail",
    )
