"""Candidates x machines as tables."""

from __future__ import annotations

from collections.abc import Mapping

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
