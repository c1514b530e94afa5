"""Paired differences by task: a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.compare.comparison import Comparison
from leaderboard.pages.frame import (
    LINE_PX,
    frame,
    legend_name,
    lines_high,
    name_lines,
    scaled,
    whiskers,
)
from leaderboard.pages.theme import palette
from leaderboard.stats.paired_means import PairedDifference
from leaderboard.text import plotly
from leaderboard.units import points

if TYPE_CHECKING:
    import plotly.graph_objects as go

OVERALL = "mean"


def forest_figure(
    comparisons: Sequence[Comparison], names: Sequence[str], *, dark: bool
) -> go.Figure:
    """Each task's difference from the reference in points, with its interval.

    Args:
        comparisons: one to three, against one reference.
        names: of the others, as many.
        dark: the background.

    Returns:
        Right of 0 the other is better. A diamond is the mean over all tasks that count; those that
        are not compared by items are not drawn.
    """
    colours = palette(dark=dark)
    tasks = list(
        dict.fromkeys(task.name for one in comparisons for task in one.tasks if task.by_item)
    )
    height = lines_high(len(tasks) + 1) + LINE_PX // 2 * len(tasks) * (len(comparisons) - 1)
    figure = frame(dark=dark, height=height)
    figure.add_vline(x=0, line={"width": 1.5, "color": colours.muted})
    for number, (comparison, name) in enumerate(zip(comparisons, names, strict=True)):
        lines = {task: i for i, task in enumerate(tasks)}
        rows = [(lines[task.name], task.paired) for task in comparison.tasks if task.paired]
        shapes = ["circle"] * len(rows)
        if comparison.overall:
            rows.append((len(tasks), comparison.overall))
            shapes.append("diamond")
        colour = colours.series[number % len(colours.series)]
        values = [points(paired.difference) for _, paired in rows]
        intervals = [scaled(paired.interval, points) for _, paired in rows]
        figure.add_scatter(
            x=values,
            y=[line + _offset(number, len(comparisons)) for line, _ in rows],
            mode="markers",
            name=legend_name(name),
            error_x=whiskers(values, intervals, colour),
            marker={"symbol": shapes, "size": 10, "color": colour},
            hovertext=[_hover(name, paired) for _, paired in rows],
            hoverinfo="text",
        )
    name_lines(figure, [*tasks, OVERALL])
    figure.update_xaxes(title="points against the reference")
    figure.update_layout(showlegend=True)
    return figure


def _offset(number: int, count: int) -> float:
    """Vertical offset of one of several marks in a line, spread over half of it."""
    return 0.0 if count == 1 else 0.5 * (number / (count - 1) - 0.5)


def _hover(name: str, found: PairedDifference) -> str:
    low, high = points(found.interval.low), points(found.interval.high)
    return (
        f"<b>{plotly(name)}</b><br>{points(found.difference):+.1f} points, 95 % {low:+.1f} to "
        f"{high:+.1f}<br>n = {found.n:,}: {found.gained} gained, {found.lost} lost"
    )
