"""An entry of the table of metrics (`leaderboard.rows.metrics`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from leaderboard.stats.intervals import Interval, mean_interval
from leaderboard.units import Unit, format_number
from runners.records.latency import headline
from runners.records.record import Record

Read = Callable[[Record, str], float | None]
"""One run's number, of the workload named where it has one a workload; None: not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A measured number of a candidate, in its stored unit."""

    value: float | None = None
    """The value; None: not measured."""
    interval: Interval | None = None
    """95 %; None for a single run, whose requests say nothing about other runs, and for a fact."""
    basis: str = ""
    """Kind of the value, where its metric is not always the same: `p90 of 25`, `largest of 5
    runs`."""
    drawn: Number | None = None
    """Centre of the draws of other runs, where that is not this number."""


Combine = Callable[[Sequence[float]], Number]
"""Function that combines the values of one candidate's runs, at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Limit on a metric that a reader may set."""

    address: str
    """Key in the board's address; its number is in the shown unit, which the name says."""
    label: str
    """Label of the slider, behind `max` or `min`."""
    what: str
    """Words for the reason why a candidate does not fit."""
    part: Literal["have", "do", "choose"]
    """Group among the limits: what one has, what it must do, what may be chosen."""
    stops: Literal["geometric", "linear"] | tuple[float, ...] = "geometric"
    """The slider's stops in the shown unit: about the values that there are, or these."""
    most: float = math.inf
    """The greatest number that an address may hold."""
    show: Callable[[float], str] = format_number
    """A stop as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Defaults of a gate's policy for a metric (`gate.policy.Rule`)."""

    what: str
    """Name of the metric in the gate's report."""
    margin: float
    minimum: float = 0.0
    severity: Literal["fail", "warn", "auto"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number of a candidate."""

    key: str
    """Key in addresses, columns and axes."""
    name: str
    """Name in records, policies and downloads; its end is the stored unit."""
    title: str
    """Title in a sentence or on an axis; what stands after a comma says which of several it is."""
    short: str
    """Title in the head of a column."""
    hint: str
    unit: Unit
    better: Literal["higher", "lower"]
    over: Literal["items", "runs", "file"]
    """Source of the interval's uncertainty; the number of a file is a fact and has none."""
    run: Read
    combine: Combine
    pool: Callable[[Sequence[Record]], Number] | None = None
    """Function that combines runs, where the value is not made of one number a run."""
    by_workload: bool = False
    """Read for each fixed workload; a row shows that with the longest prompt."""
    usual: bool = False
    """Shown where nobody chose what to see: columns, summaries, tables on the command line."""
    of_thought: bool = False
    """Shown as a usual one where some candidate thinks before it answers (`rows.shown`)."""
    asked: Callable[[Record], object] | None = None
    """Reads what its number depends on beside the conditions; runs compare where that is the same,
    and not None. None: on nothing else."""
    if_known: bool = False
    """Shown as a usual one where some candidate has it (`rows.shown`)."""
    axis: bool = False
    """Offered as the horizontal axis of the trade-off plot."""
    limit: Limit | None = None
    gate: Tolerance | None = None
    """Defaults of the gate; None: neither compared as a ratio nor judged."""
    download: str = ""
    """Column of the ranked table's downloads; empty: `name`."""

    @property
    def words(self) -> str:
        """The title without what follows its comma."""
        return self.title.partition(",")[0]

    @property
    def axis_title(self) -> str:
        """The title with the unit: `peak memory, MiB`."""
        return f"{self.title}, {self.unit.symbol}" if self.unit.symbol else self.title

    @property
    def headline(self) -> bool:
        """True where it is shown though room is scarce; bits per weight, e.g., are not."""
        return self.usual and (self.varies or self.axis)

    @property
    def at_times(self) -> bool:
        """True where it depends on the candidates whether it is a usual one (`rows.shown`)."""
        return self.of_thought or self.if_known

    @property
    def varies(self) -> bool:
        """True where other items or other runs might have given another number."""
        return self.over != "file"

    def within(self, value: float, limit: float) -> bool:
        """True where a number keeps to a limit: at most, or at least where higher is better."""
        return value >= limit if self.better == "higher" else value <= limit

    def of_runs(self, runs: Sequence[Record]) -> Number:
        """The number of a candidate, from its runs; each shows the workload that its row shows."""
        if self.pool is not None:
            return self.pool(runs)
        read = (self.run(run, longest_workload(run) or "") for run in runs)
        known = [value for value in read if value is not None]
        return self.combine(known) if known else Number()


def longest_workload(record: Record) -> str | None:
    """The workload whose times stand for a run, e.g. `512+64`."""
    return headline(record.latency)


def mean_of_runs(values: Sequence[float]) -> Number:
    """The mean with its interval, run to run."""
    mean, interval = mean_interval(values)
    return Number(value=mean, interval=interval)


def largest_run(values: Sequence[float]) -> Number:
    """The largest of the runs' sizes, which memory must hold; ± says where one more run's may lie.

    The interval is that of a further run, mean ± t(n - 1) s sqrt(1 + 1/n), as wide about the
    largest; other runs are drawn about the mean. Source: G. J. Hahn, JASA 64 (1969) 878-888.
    """
    mean, interval = mean_interval(values)
    largest, n = max(values), len(values)
    if interval is None:
        return Number(value=largest)
    half = interval.half * math.sqrt(n + 1)
    return Number(
        value=largest,
        interval=Interval(low=largest - half, high=largest + half).within(0.0),
        basis=f"largest of {n} runs",
        drawn=Number(value=mean, interval=interval),
    )


def fact(values: Sequence[float]) -> Number:
    """The first run's value, for what is the same in every run."""
    return Number(value=values[0])
