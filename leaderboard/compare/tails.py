"""The slow end of the requests of a run: what medians of five requests do not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from leaderboard.compare.run_metrics import Axis, AxisComparison, compare_each
from leaderboard.stats.tails import tail
from runners.records.latency import request_latency
from runners.records.record import Record
from runners.records.timed import RequestTimesInfo

Times = Callable[[RequestTimesInfo], Sequence[float]]


def compare_tails(
    reference: Sequence[Record], other: Sequence[Record], *, confidence: float = 0.95
) -> tuple[AxisComparison, ...]:
    """Slowest TTFT, inter-token gap and whole request within a run, as a ratio over runs.

    Args:
        reference: runs of one candidate under one set of conditions, at least one.
        other: of the other.
        confidence: two-sided.

    Returns:
        Axes `ttft_tail_s`, `itl_tail_s` and `e2e_tail_s` of each workload, seconds: of a run's
        values the maximum below 20, the 90th percentile from 20, the 95th from 60, by the run that
        has fewest.
    """
    return compare_each(_axes([*reference, *other]), reference, other, confidence=confidence)


def _axes(runs: Sequence[Record]) -> Iterator[Axis]:
    for workload in dict.fromkeys(name for run in runs for name in run.latency):
        for name, times in _TIMES.items():
            yield Axis(name, workload, False, _tail_of(workload, times, runs))


def _tail_of(
    workload: str, times: Times, runs: Sequence[Record]
) -> Callable[[Record], float | None]:
    fewest = min(len(_values(run, workload, times)) for run in runs if workload in run.latency)

    def value(run: Record) -> float | None:
        found = tail(_values(run, workload, times), "high", fewest=fewest)
        return found.value if found else None

    return value


def _values(run: Record, workload: str, times: Times) -> list[float]:
    repeats = run.latency[workload].repeats if workload in run.latency else []
    return [value for request in repeats if request.token_s for value in times(request)]


_TIMES: dict[str, Times] = {
    "ttft_tail_s": lambda r: [request_latency(r).ttft_s],
    "itl_tail_s": lambda r: request_latency(r).itl_s,
    "e2e_tail_s": lambda r: [request_latency(r).e2e_s],
}
