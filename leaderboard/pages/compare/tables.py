"""Tables of the Compare page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaderboard.compare.comparison import Comparison
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.compare.tasks import TaskComparison
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.stats.intervals import Interval
from leaderboard.stats.likelihoods import times
from leaderboard.stats.paired_means import PairedDifference
from leaderboard.stats.run_ratios import RunRatio
from leaderboard.units import MISSING, format_number, points

_PAIRED = (
    Head("difference", "points", "the other's accuracy minus the reference's, same items"),
    Head("95 %", "points", "what the items do not rule out"),
    Head("gained", hint="items that only the other gets right"),
    Head("lost", hint="items that only the reference gets right"),
    Head("n"),
    Head("p", hint="exact McNemar test; over several tasks after Benjamini-Hochberg"),
    Head("detectable", "points", "minimum detectable difference (80 % power)"),
)


BESIDE = " (not in the mean)"
_A_FILE = "a file's size does not vary"


def overall_grid(comparisons: Sequence[Comparison], names: Sequence[str], caption: str) -> Grid:
    """The mean over tasks, a row a candidate."""
    rows = tuple(
        (Cell(name), *_paired(one.overall, None, one.overall_reason))
        for one, name in zip(comparisons, names, strict=True)
    )
    return Grid(caption=caption, heads=(Head("candidate", number=False), *_PAIRED), rows=rows)


def tasks_grid(comparison: Comparison, caption: str) -> Grid:
    """One candidate against the reference, a row a task or group."""
    heads = (
        Head("task", number=False),
        Head("reference", "%"),
        Head("other", "%"),
        *_PAIRED,
    )
    rows = tuple(
        (
            Cell(task.name if task.counts else f"{task.name}{BESIDE}"),
            *(
                missing(task.reason) if share is None else Cell(f"{points(share):.1f}")
                for share in (task.reference, task.other)
            ),
            *_paired(task.paired, task.p_adjusted, task.reason),
        )
        for task in comparison.tasks
        if task.by_item
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def outside_grid(comparison: Comparison, caption: str) -> Grid:
    """Scores that are no shares, a row a task: both values, and of perplexities their ratio."""
    heads = (
        Head("task", number=False),
        Head("metric", number=False),
        Head("reference"),
        Head("other"),
        Head("perplexity ratio", hint="other / reference, a word, byte or document; same texts"),
        Head("95 %", hint="over documents"),
        Head("documents"),
    )
    rows = tuple(_outside(task) for task in comparison.tasks if not task.by_item)
    return Grid(caption=caption, heads=heads, rows=rows)


def _outside(task: TaskComparison) -> tuple[Cell, ...]:
    found = task.likelihood
    sides = (
        missing(task.reason) if value is None else Cell(format_number(value))
        for value in task.recorded
    )
    likely = (
        tuple(missing(task.reason) for _ in range(3))
        if found is None
        else (
            Cell(times_text(times(found.loss))),
            Cell(interval_text(found.interval, lambda loss: times_text(times(loss))))
            if found.interval
            else missing("so few documents rule nothing out"),
            Cell(f"{found.documents:,}"),
        )
    )
    return (Cell(task.name), Cell(task.metric), *sides, *likely)


def axes_grid(comparison: Comparison, caption: str) -> Grid:
    """Times, memory and size as ratios, with how the runs were compared."""
    heads = (
        Head("number", number=False),
        Head("unit", number=False),
        Head("reference", hint="geometric mean over its runs"),
        Head("other", hint="geometric mean over its runs"),
        Head("other / reference"),
        Head("95 %", hint="run to run"),
        Head("runs", number=False),
        Head("detectable", hint="minimum detectable ratio (80 % power)"),
    )
    return Grid(caption=caption, heads=heads, rows=tuple(map(_axis, comparison.axes)))


def _paired(
    found: PairedDifference | None, p_adjusted: float | None, reason: str
) -> tuple[Cell, ...]:
    if found is None:
        return tuple(missing(reason) for _ in _PAIRED)
    p = found.p if p_adjusted is None else p_adjusted
    return (
        Cell(signed(found.difference)),
        Cell(interval_text(found.interval, signed)),
        Cell(f"{found.gained:,}"),
        Cell(f"{found.lost:,}"),
        Cell(f"{found.n:,}"),
        Cell(p_text(p)),
        missing("not even the greatest difference")
        if found.detectable is None
        else Cell(f"{points(found.detectable):.1f}"),
    )


def _axis(axis: AxisComparison) -> tuple[Cell, ...]:
    name, unit, ratio = axis.metric.words, axis.metric.unit, axis.ratio
    sides = tuple(
        missing(axis.reason) if value is None else Cell(format_number(unit.scale(value)))
        for value in (axis.reference, axis.other)
    )
    return (
        Cell(f"{name}, {axis.workload}" if axis.workload else name),
        Cell(unit.symbol),
        *sides,
        missing(axis.reason) if ratio is None else Cell(times_text(ratio.ratio)),
        _ratio_interval(ratio, axis.reason),
        Cell(_ratio_runs(axis, ratio)),
        missing(axis.reason or ("one run on a side" if axis.metric.varies else _A_FILE))
        if ratio is None or ratio.detectable is None
        else Cell(times_text(ratio.detectable)),
    )


def _ratio_interval(ratio: RunRatio | None, reason: str) -> Cell:
    if ratio is None or ratio.interval is None:
        return missing(reason or _A_FILE)
    return Cell(interval_text(ratio.interval, times_text))


def _ratio_runs(axis: AxisComparison, ratio: RunRatio | None) -> str:
    if not axis.metric.varies:
        return "a file"
    if ratio is None:
        return MISSING
    if ratio.paired:
        return f"{ratio.reference_runs} pairs"
    return f"{ratio.reference_runs} and {ratio.other_runs}, not paired"


def signed(share: float) -> str:
    """A difference of two shares in points, with its sign, which 0.0 has not: `-0.3`."""
    return f"{points(share):+z.1f}".replace("+0.0", "0.0")


def times_text(ratio: float) -> str:
    """A ratio with two decimals."""
    return f"{ratio:.2f}"


def interval_text(interval: Interval, text: Callable[[float], str]) -> str:
    """Limits of an interval: `-1.4 to +0.7`."""
    return f"{text(interval.low)} to {text(interval.high)}"


def p_text(p: float) -> str:
    """A p value with two significant digits, never as 0."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
