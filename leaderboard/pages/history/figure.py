"""One candidate over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, whiskers
from leaderboard.pages.measures import shown, shown_interval
from leaderboard.pages.theme import palette
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import METRICS
from leaderboard.runs.history import Line, Point
from leaderboard.text import plotly
from leaderboard.units import format_number

if TYPE_CHECKING:
    import plotly.graph_objects as go

MARGIN = timedelta(hours=12)


def history_figure(
    lines: Sequence[Line], names: Sequence[str], metric: str, *, dark: bool
) -> go.Figure:
    """One metric over time, a line for each machine, suite and budget.

    Args:
        lines: of one candidate.
        names: what to call the lines, as many.
        metric: a key of METRICS.
        dark: the background.

    Returns:
        A diamond where the candidate, its runtime or Weighin changed since the point before.
        Points without the metric are left out.
    """
    colours = palette(dark=dark)
    one = METRICS[metric]
    figure = frame(dark=dark, height=380)
    for number, (line, name) in enumerate(zip(lines, names, strict=True)):
        known = [(p, v) for p in line.points if (v := shown(one, p.row)) is not None]
        values = [value for _, value in known]
        colour = colours.series[number % len(colours.series)]
        figure.add_scatter(
            x=[point.row.record.created_at for point, _ in known],
            y=values,
            mode="lines+markers",
            name=plotly(name),
            line={"width": 1.8, "color": colour},
            error_y=whiskers(
                values, [shown_interval(one, point.row) for point, _ in known], colour
            ),
            marker={
                "symbol": ["diamond" if point.changes else "circle" for point, _ in known],
                "size": [13 if point.changes else 9 for point, _ in known],
            },
            hovertext=[_hover(point, one, value) for point, value in known],
            hoverinfo="text",
        )
    figure.update_yaxes(title=one.axis_title)
    figure.update_xaxes(range=_span([point for line in lines for point in line.points]))
    figure.update_layout(showlegend=True)
    return figure


def _span(points: Sequence[Point]) -> list[str] | None:
    """Range from half a day before the first point to half a day after the last.

    A single point, or two of one afternoon, would else be shown to the millisecond. None where a
    record's time is no time.
    """
    try:
        times = [datetime.fromisoformat(point.row.record.created_at) for point in points]
        return [(min(times) - MARGIN).isoformat(), (max(times) + MARGIN).isoformat()]
    except (ValueError, TypeError, OverflowError):
        return None


def _hover(point: Point, metric: Metric, value: float) -> str:
    interval = shown_interval(metric, point.row)
    spread = (
        f", 95 % {format_number(interval.low)} to {format_number(interval.high)}"
        if interval
        else ", no interval"
    )
    changed = "".join(f"<br>{plotly(change)}" for change in point.changes)
    return (
        f"<b>{plotly(point.row.record.created_at)}</b><br>{plotly(metric.axis_title)}: "
        f"{format_number(value)}{spread}<br>{point.row.basis(metric)}{changed}"
    )
