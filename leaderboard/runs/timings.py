"""Details of one candidate's runs, as numbers that a chart or a table takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from evals.errors import MeasureError
from leaderboard.rows.requests import workload_tail
from leaderboard.stats.intervals import Interval, mean_interval
from leaderboard.stats.tails import P95_FROM, Slow, Tail
from runners.records.answers import SummaryInfo
from runners.records.latency import TokenLatency, request_latency
from runners.records.record import Record
from runners.records.timed import RequestTimesInfo, WorkloadLatency

SERIES_WHILE = (
    "sampled while likelihood tasks were scored; nothing is sampled while times are taken"
)
NO_SERIES = "no curve: these runs scored no likelihood tasks"
NO_FLOOR = (
    "not measured: no item of this run was scored in a second layout of the cache, so a difference "
    "of a few items may come from the layout alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """The raw times of one process run in one workload, seconds; warm-ups are not in it."""

    run_id: str
    repeat: int
    ttft_s: tuple[float, ...]
    """One a request."""
    gaps_s: tuple[float, ...]
    """Inter-token latency: one between each two tokens of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One number of one workload over process runs."""

    workload: str
    metric: str
    """A key of `WorkloadLatency`, e.g. `ttft_s`, whose name has the unit."""
    p50: float
    """Mean over the runs of each run's median."""
    interval: Interval | None
    """95 %, of that mean, run to run; None for a single run."""
    slow: float
    """The slow end of the values of all runs together: of times the high one, of rates the low."""
    slow_is: str
    """Percentile of the slow end, and its number of values: `p90 of 25`."""
    values: int
    """Raw values of all runs together: requests, or gaps between tokens."""
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBytes:
    """One phase's memory."""

    phase: str
    peak_bytes: int
    anon_bytes: int | None
    """Anonymous bytes when the phase ends; so is `file_bytes`."""
    file_bytes: int | None
    reason: str
    """Why the split is missing; empty where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """Cold start of one run, from nothing to the first token."""

    run_id: str
    repeat: int
    ready_s: float
    load_s: float
    first_token_s: float | None
    total_s: float | None
    page_cache: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """Share of items whose choice changes with the cache's layout alone."""

    share: float | None
    reason: str
    """Why it is missing; empty where it is known."""


def run_times(runs: Sequence[Record], workload: str) -> tuple[RunTimes, ...]:
    """The raw times of each run that has the workload, in the order of the runs."""
    found = []
    for run in runs:
        if workload in run.latency:
            times = _latencies(run.latency[workload].repeats)
            found.append(
                RunTimes(
                    run_id=run.run_id,
                    repeat=run.job.repeat,
                    ttft_s=tuple(one.ttft_s for one in times),
                    gaps_s=tuple(gap for one in times for gap in one.itl_s),
                )
            )
    return tuple(found)


def _latencies(requests: Sequence[RequestTimesInfo]) -> list[TokenLatency]:
    """Latencies of the requests whose times are whole, by the record's own arithmetic."""
    found = []
    for request in requests:
        with suppress(MeasureError):
            found.append(request_latency(request))
    return found


def workloads(runs: Sequence[Record]) -> tuple[str, ...]:
    """Names of every workload that a run has, shortest prompt first."""
    prompts = {
        name: times.prompt_tokens or 0 for run in runs for name, times in run.latency.items()
    }
    return tuple(sorted(prompts, key=lambda name: (prompts[name], name)))


def timings(runs: Sequence[Record], workload: str) -> tuple[Timing, ...]:
    """TTFT, gaps and both rates of a workload; empty where no run has it.

    The unit of noise is the process run: the interval is over the runs' medians, never over the
    requests of one run.
    """
    having = [run for run in runs if workload in run.latency]
    if not having:
        return ()
    found = []
    for metric in _METRICS:
        summaries = _summaries(having, workload, metric)
        if summaries:  # a server may not tell what a metric needs
            found.append(_timing(workload, metric, summaries, _slow_end(having, workload, metric)))
    return tuple(found)


_METRICS = ("ttft_s", "itl_s", "decode_tokens_per_s", "prefill_tokens_per_s")


def _summaries(runs: Sequence[Record], workload: str, metric: str) -> list[SummaryInfo]:
    """A metric's summary of each run that has one."""
    found = (_summary(run.latency[workload], metric) for run in runs)
    return [one for one in found if one is not None]


def _summary(workload: WorkloadLatency, metric: str) -> SummaryInfo | None:
    found = {
        "ttft_s": workload.ttft_s,
        "itl_s": workload.itl_s,
        "decode_tokens_per_s": workload.decode_tokens_per_s,
        "prefill_tokens_per_s": workload.prefill_tokens_per_s,
    }
    return found[metric]


def _timing(workload: str, metric: str, summaries: Sequence[SummaryInfo], slow: Tail) -> Timing:
    p50, interval = mean_interval([one.p50 for one in summaries])
    return Timing(
        workload=workload,
        metric=metric,
        p50=p50,
        interval=interval,
        slow=slow.value,
        slow_is=slow.basis,
        values=sum(one.n for one in summaries),
        runs=len(summaries),
    )


def _slow_end(runs: Sequence[Record], workload: str, metric: str) -> Tail:
    """The slow end of a metric over all runs.

    Gaps between tokens are not kept by request: theirs is the mean of the runs' 95th percentiles,
    or the greatest gap where a run has too few for one.
    """
    slow: Slow = "low" if metric.endswith("_per_s") else "high"
    if metric != "itl_s":
        found = workload_tail(runs, workload, metric, slow)  # type: ignore[arg-type]
        if found is not None:
            return found
    summaries = _summaries(runs, workload, metric)
    n = sum(one.n for one in summaries)
    if slow == "low":
        return Tail(name="minimum", value=min(one.minimum for one in summaries), n=n)
    if metric == "itl_s" and min(one.n for one in summaries) >= P95_FROM:
        return Tail(name="p95", value=mean_interval([one.p95 for one in summaries])[0], n=n)
    return Tail(name="maximum", value=max(one.maximum for one in summaries), n=n)


def phase_bytes(record: Record) -> tuple[PhaseBytes, ...]:
    """The memory of each phase, in the order in which a job passes through them."""
    phases = record.memory.phases if record.memory else {}
    return tuple(
        PhaseBytes(
            phase=phase,
            peak_bytes=one.peak_bytes,
            anon_bytes=one.anon_bytes,
            file_bytes=one.file_bytes,
            reason=_why_no_split(one.anon_bytes, one.split_unknown),
        )
        for phase, one in phases.items()
    )


def _why_no_split(anon_bytes: int | None, given: str | None) -> str:
    return "" if anon_bytes is not None else given or "the record does not say why"


def cold_starts(runs: Sequence[Record]) -> tuple[ColdStart, ...]:
    """The cold start of each run that has one."""
    return tuple(
        ColdStart(
            run_id=run.run_id,
            repeat=run.job.repeat,
            ready_s=run.load.ready_s,
            load_s=run.load.load_s,
            first_token_s=run.load.first_token_s,
            total_s=run.load.cold_start_s,
            page_cache=run.load.page_cache,
        )
        for run in runs
        if run.load
    )


def tensor_shares(record: Record) -> tuple[tuple[str, float], ...]:
    """Share of the parameters by tensor type, the greatest first; empty where it is not known."""
    quantisation = record.candidate.quantisation
    shares = quantisation.share if quantisation else {}
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def noise_floor(record: Record) -> NoiseFloor:
    """The noise floor of a run, or why it has none."""
    floor = record.noise_floor
    if floor is None:
        return NoiseFloor(share=None, reason=NO_FLOOR)
    return NoiseFloor(share=floor.share, reason=floor.reason)


def ecdf(values: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The empirical distribution function: each value, and the share of values up to it.

    Args:
        values: shape (n,), in any order and unit.

    Returns:
        Both of shape (n,): sorted values, and 1/n, 2/n … 1; of equal values the last one counts.
    """
    ordered = sorted(values)
    return tuple(ordered), tuple((i + 1) / len(ordered) for i in range(len(ordered)))
