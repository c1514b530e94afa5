"""The one table of metrics: what each is called, shown in, read from, and where it is offered.

Columns, sliders, limits, axes of plots, comparisons, the gate and downloads read `METRICS` whenever
they are asked, so that one more entry is one more metric everywhere (CONTRIBUTING.md, "A metric").
"""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.rows.file_metrics import FILE_METRICS
from leaderboard.rows.gpu import GPU_METRICS
from leaderboard.rows.metric import (
    Limit,
    Metric,
    Number,
    Tolerance,
    fact,
    largest_run,
    mean_of_runs,
)
from leaderboard.rows.readers import (
    headline_anonymous,
    headline_peak,
    timed,
)
from leaderboard.rows.requests import BEARS, slow_rate, tail_of_run, tail_of_runs
from leaderboard.rows.thought import THOUGHT_METRICS
from leaderboard.rows.users import USERS_METRICS
from leaderboard.units import (
    MIB,
    MS,
    PERCENT,
    TOKENS_PER_S,
)
from runners.records.record import Record


def _scored(_record: Record, _workload: str) -> None:
    """No single run's: the row has it."""


ACCURACY, NORMALISED, WORKS_FROM = "accuracy", "normalised", "works_from"


_SHIPPED = (
    Metric(
        key=ACCURACY,
        name="accuracy",
        title="accuracy",
        short="accuracy",
        hint="Mean over tasks and groups. After it, half its 95 % interval over items.",
        unit=PERCENT,
        better="higher",
        over="items",
        run=_scored,
        combine=fact,
        usual=True,
        limit=Limit(
            address="accuracy_percent",
            label="accuracy, %",
            what="accuracy",
            part="do",
            stops="linear",
            most=100.0,
        ),
    ),
    Metric(
        key=NORMALISED,
        name="accuracy_normalised",
        title="accuracy above guessing",
        short="above guessing",
        hint="(accuracy - guessing) / (1 - guessing), averaged over tasks, each counted the same.",
        unit=PERCENT,
        better="higher",
        over="items",
        run=_scored,
        combine=fact,
    ),
    Metric(
        key="ttft",
        name="ttft_s",
        title="time to first token, median",
        short="TTFT",
        hint="Time to first token, median request.",
        unit=MS,
        better="lower",
        over="runs",
        run=timed(lambda workload: workload.ttft_s),
        combine=mean_of_runs,
        by_workload=True,
        usual=True,
        axis=True,
        gate=Tolerance(what="TTFT", margin=0.10, minimum=0.005),
        download="ttft_s.p50",
    ),
    Metric(
        key="ttft_tail",
        name="ttft_tail_s",
        title="time to first token, slow end",
        short="TTFT tail",
        hint=f"Time to first token of the slow requests, all runs together. {BEARS}",
        unit=MS,
        better="lower",
        over="runs",
        run=tail_of_run("ttft_s", "high"),
        combine=mean_of_runs,
        pool=tail_of_runs("ttft_s", "high"),
        by_workload=True,
        limit=Limit(
            address="ttft_tail_ms",
            label="TTFT (slow end), ms",
            what="time to first token (slow end)",
            part="do",
        ),
        download="ttft_s.tail",
    ),
    Metric(
        key="decode",
        name="decode_tokens_per_s",
        title="decode",
        short="decode",
        hint="Output tokens a second after the first, one request at a time.",
        unit=TOKENS_PER_S,
        better="higher",
        over="runs",
        run=timed(lambda workload: workload.decode_tokens_per_s),
        combine=mean_of_runs,
        by_workload=True,
        usual=True,
        axis=True,
        limit=Limit(
            address="decode_tokens_per_s",
            label="decode, tokens/s",
            what="decode speed",
            part="do",
        ),
        gate=Tolerance(what="decode time per token", margin=0.10),
    ),
    slow_rate("decode_tail", "decode_tokens_per_s", "decode", "Output"),
    Metric(
        key="prefill",
        name="prefill_tokens_per_s",
        title="prefill",
        short="prefill",
        hint="Prompt tokens a second, one request at a time.",
        unit=TOKENS_PER_S,
        better="higher",
        over="runs",
        run=timed(lambda workload: workload.prefill_tokens_per_s),
        combine=mean_of_runs,
        by_workload=True,
    ),
    slow_rate("prefill_tail", "prefill_tokens_per_s", "prefill", "Prompt"),
    *THOUGHT_METRICS,
    *USERS_METRICS,
    Metric(
        key="cold_start",
        name="cold_start_s",
        title="cold start",
        short="cold start",
        hint="From starting the process to the first token of the first request.",
        unit=MS,
        better="lower",
        over="runs",
        run=lambda record, _workload: record.load.cold_start_s if record.load else None,
        combine=mean_of_runs,
        gate=Tolerance(what="cold start", margin=0.10, minimum=0.05),
    ),
    Metric(
        key="memory",
        name="peak_bytes",
        title="peak memory",
        short="peak",
        hint="High-water mark of the process from loading on, for one user; the largest run's.",
        unit=MIB,
        better="lower",
        over="runs",
        run=headline_peak,
        combine=largest_run,
        usual=True,
        axis=True,
        limit=Limit(address="memory_mib", label="memory, MiB", what="peak memory", part="have"),
        gate=Tolerance(what="peak memory", margin=0.05, minimum=8 * 2**20, severity="fail"),
    ),
    Metric(
        key="anonymous",
        name="anon_bytes",
        title="anonymous memory",
        short="anonymous",
        hint="The part of the peak that cannot be dropped and read again, when its phase ends.",
        unit=MIB,
        better="lower",
        over="runs",
        run=headline_anonymous,
        combine=largest_run,
        usual=True,
    ),
    *GPU_METRICS,
    Metric(
        key=WORKS_FROM,
        name="works_from_bytes",
        title="works from",
        short="works from",
        hint="Smallest memory limit that works (weighin fit); limits compare with it if known.",
        unit=MIB,
        better="lower",
        over="file",
        run=_scored,
        combine=fact,
    ),
    *FILE_METRICS,
)
METRICS: dict[str, Metric] = {one.key: one for one in _SHIPPED}
"""Metrics by key, in the order in which they are shown."""


def numbers_of(runs: Sequence[Record]) -> dict[str, Number]:
    """Every metric of a candidate's runs, by key; the accuracy is the row's score."""
    return {key: one.of_runs(runs) for key, one in METRICS.items() if one.over != "items"}


def named(name: str) -> Metric:
    """The metric that records and policies call so.

    Raises:
        KeyError: there is none.
    """
    return {one.name: one for one in METRICS.values()}[name]


def axes() -> tuple[str, ...]:
    """Keys of what accuracy is shown against, memory first."""
    known = (key for key, one in METRICS.items() if one.axis)
    return tuple(sorted(known, key=lambda key: key != "memory"))


def limited() -> list[tuple[Metric, Limit]]:
    """The metrics that can be limited, each with how."""
    return [(one, one.limit) for one in METRICS.values() if one.limit is not None]


def gated() -> list[tuple[Metric, Tolerance]]:
    """The metrics that two candidates are compared by as ratios, and the gate judges."""
    return [(one, one.gate) for one in METRICS.values() if one.gate is not None]
