"""Candidates x machines as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.rows.across import Across
from leaderboard.rows.metric import Metric
from leaderboard.rows.row import Row
from leaderboard.units import format_half, format_number, points


def accuracy_grid(found: Across, names: Mapping[str, str]) -> Grid:
    """The accuracy of each candidate once, and how far the machines differ in it."""
    heads = (
        Head("candidate", number=False),
        Head("accuracy", "%"),
        Head("largest difference", "points", "Between machines, on the same items."),
        Head("machines"),
    )
    return Grid(
        caption="Accuracy on the same items",
        heads=heads,
        rows=tuple(
            (Cell(names[digest]), *_accuracy(found, digest), Cell(str(len(there))))
            for digest, there in found.rows.items()
        ),
    )


def _accuracy(found: Across, digest: str) -> tuple[Cell, Cell]:
    spread = found.spread(digest)
    if spread is None:
        return missing("not scored"), missing("not scored")
    low, high = (points(value) for value in spread)
    text = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
    if len(found.rows[digest]) == 1:
        return Cell(text), missing("measured on one machine")
    return Cell(text), Cell(f"{high - low:.1f}")


def metric_grid(found: Across, names: Mapping[str, str], metric: Metric) -> Grid:
    """One metric: a candidate a line, a machine a column, with the ratio to the first machine."""
    heads = (
        Head("candidate", number=False),
        *(Head(name, metric.unit.symbol) for name in found.machines.values()),
    )
    rows = tuple(
        (
            Cell(names[digest]),
            *(_cell(found, digest, machine, metric) for machine in found.machines),
        )
        for digest in found.rows
    )
    return Grid(caption=metric.axis_title, heads=heads, rows=rows)


def relative_grid(
    found: Across, names: Mapping[str, str], reference: str, metrics: Sequence[Metric]
) -> Grid:
    """Every candidate over one on the same machine: a ratio that machines share carries over."""
    columns = [(metric, machine) for metric in metrics for machine in found.machines]
    heads = (
        Head("candidate", number=False),
        *(
            Head(metric.short, found.machines[machine].partition(",")[0], found.machines[machine])
            for metric, machine in columns
        ),
    )
    rows = tuple(
        (
            Cell(names[digest]),
            *(_relative(found, digest, reference, machine, metric) for metric, machine in columns),
        )
        for digest in found.rows
        if digest != reference
    )
    caption = f"Times and memory over those of {names[reference]} on the same machine"
    return Grid(caption=caption, heads=heads, rows=rows)


def _relative(found: Across, digest: str, reference: str, machine: str, metric: Metric) -> Cell:
    ratio = found.relative(digest, reference, machine, metric.key)
    return (
        missing("one of the two was not measured there") if ratio is None else Cell(f"{ratio:.2f}x")
    )


def _cell(found: Across, digest: str, machine: str, metric: Metric) -> Cell:
    row: Row | None = found.rows[digest].get(machine)
    if row is None:
        return missing("not measured on this machine")
    number = row.number(metric.key)
    if number.value is None:
        return missing(row.record.status)
    scale = metric.unit.scale
    spread = (
        format_half(scale(number.interval.half), scale(number.value)) if number.interval else ""
    )
    ratio = found.ratio(digest, machine, metric.key)
    first = next(iter(found.machines)) == machine
    beside = "" if first or ratio is None else f" ({ratio:.2f}x)"
    return Cell(f"{format_number(scale(number.value))}{beside}", spread)
