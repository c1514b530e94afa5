"""Times, memory and size of two candidates as ratios, where they were measured under the same
conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import RecordError
from leaderboard.rows.conditions import why_unlike
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import gated, named
from leaderboard.stats.run_ratios import RunRatio, paired_ratio, unpaired_ratio
from leaderboard.units import MS, TOKENS_PER_S
from runners.records.record import Record

Value = Callable[[Record], float | None]
Runs = dict[tuple[str, int], float]
"""(batch, repeat) -> value."""
SINGLE_RUN = "a single run on one side says nothing of the next: no interval"


class Axis(NamedTuple):
    """A number that each run has, and where to find it."""

    name: str
    workload: str | None
    more_is_better: bool
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisComparison:
    """One number that both candidates have, other over reference."""

    axis: str
    """Name of a metric that the table gives a tolerance, e.g. `ttft_s`, or of a tail."""
    workload: str | None
    """Workload, e.g. `512+64`, where there is a number of each."""
    more_is_better: bool
    reference: float | None
    """Geometric mean over all its runs, in the unit of the axis's name."""
    other: float | None
    ratio: RunRatio | None
    reason: str = ""
    """Why there is no ratio, or no interval."""

    @property
    def metric(self) -> Metric:
        """The entry of the table; a tail has none."""
        return named(self.axis)


def compare_axes(
    reference: Sequence[Record], other: Sequence[Record], *, confidence: float = 0.95
) -> tuple[AxisComparison, ...]:
    """Every time, memory and size that either side has.

    Args:
        reference: runs of one candidate under one set of conditions, at least one.
        other: of the other.
        confidence: two-sided.

    Returns:
        Times are medians within a run. Runs are paired by batch and repeat where most have a
        partner, since a batch interleaves its candidates; `ratio.paired` says so. Weights are a
        file's size: one number, on any machine.

    Raises:
        RecordError: runs of one side were made under different conditions.
    """
    for runs in (reference, other):
        _check_alike(runs)
    found = compare_each(_axes([*reference, *other]), reference, other, confidence=confidence)
    facts = [metric for metric, _ in gated() if not metric.varies]
    return (*found, *(_fact(metric, reference[0], other[0]) for metric in facts))


def compare_each(
    axes: Iterable[Axis],
    reference: Sequence[Record],
    other: Sequence[Record],
    *,
    confidence: float,
) -> tuple[AxisComparison, ...]:
    """Several numbers of a run, over the runs of both sides; no ratios under unlike conditions."""
    # Which machines or builds they are is said once, not with each number.
    unlike = why_unlike(reference[0], other[0]).partition(" (")[0]
    return tuple(
        compare_axis(axis, reference, other, unlike=unlike, confidence=confidence) for axis in axes
    )


def compare_axis(
    axis: Axis,
    reference: Sequence[Record],
    other: Sequence[Record],
    *,
    unlike: str = "",
    confidence: float = 0.95,
) -> AxisComparison:
    """One number of a run, over the runs of both sides.

    Args:
        axis: which.
        reference: runs of one candidate under one set of conditions.
        other: of the other.
        unlike: how the conditions of the two differ; then there is no ratio.
        confidence: two-sided.
    """
    a, b = run_values(reference, axis.value), run_values(other, axis.value)
    missing = not a or not b
    reason = unlike or ("was not measured on one side, or is 0" if missing else "")
    ratio = None if reason else _ratio(a, b, confidence)
    if ratio and ratio.interval is None:
        reason = SINGLE_RUN
    return AxisComparison(
        axis=axis.name,
        workload=axis.workload,
        more_is_better=axis.more_is_better,
        reference=_geometric_mean(a),
        other=_geometric_mean(b),
        ratio=ratio,
        reason=reason,
    )


def _check_alike(runs: Sequence[Record]) -> None:
    for run in runs[1:]:
        unlike = why_unlike(runs[0], run)
        if unlike or run.candidate.digest != runs[0].candidate.digest:
            raise RecordError(
                f"runs {runs[0].run_id} and {run.run_id} are not of one candidate under one set of "
                f"conditions ({unlike or 'the candidate differs'}): compare them with each other"
            )


def _said(metric: Metric, runs: Sequence[Record]) -> bool:
    """True unless runs were not asked for what the metric measures, or otherwise."""
    if metric.asked is None:
        return True
    asked = {metric.asked(run) for run in runs}
    return len(asked) == 1 and None not in asked


def _axes(runs: Sequence[Record]) -> Iterator[Axis]:
    """The metrics that vary between runs: workload by workload those that have a number of each,
    then the rest.
    """
    metrics = [metric for metric, _ in gated() if metric.varies and _said(metric, runs)]
    for workload in dict.fromkeys(name for run in runs for name in run.latency):
        yield from (_axis(metric, workload) for metric in metrics if metric.by_workload)
    yield from (_axis(metric, None) for metric in metrics if not metric.by_workload)


def _axis(metric: Metric, workload: str | None) -> Axis:
    def value(run: Record) -> float | None:
        return metric.run(run, workload or "")

    return Axis(metric.name, workload, metric.better == "higher", value)


def time_axes(runs: Sequence[Record]) -> Iterator[Axis]:
    """The times of a run: median TTFT and decode rate of each workload, and the cold start."""
    return (axis for axis in _axes(runs) if named(axis.name).unit in (MS, TOKENS_PER_S))


def run_values(runs: Sequence[Record], value: Value) -> Runs:
    """The number of each run that has one above 0."""
    found = {(run.job.batch, run.job.repeat): value(run) for run in runs}
    return {key: v for key, v in found.items() if v is not None and 0 < v < math.inf}


def _ratio(reference: Runs, other: Runs, confidence: float) -> RunRatio:
    shared = sorted(reference.keys() & other.keys())
    if len(shared) >= 2 and 2 * len(shared) >= min(len(reference), len(other)):
        a, b = [reference[key] for key in shared], [other[key] for key in shared]
        return paired_ratio(a, b, confidence=confidence)
    return unpaired_ratio([*reference.values()], [*other.values()], confidence=confidence)


def _geometric_mean(runs: Runs) -> float | None:
    if not runs:
        return None
    return math.exp(math.fsum(map(math.log, runs.values())) / len(runs))


def _fact(metric: Metric, reference: Record, other: Record) -> AxisComparison:
    """A file's size, known exactly: its ratio has no interval."""
    a, b = metric.run(reference, ""), metric.run(other, "")
    ratio = unpaired_ratio([a], [b]) if a and b else None
    return AxisComparison(
        axis=metric.name,
        workload=None,
        more_is_better=metric.better == "higher",
        reference=a,
        other=b,
        ratio=ratio,
        reason="" if ratio else "a side has no weights file",
    )
