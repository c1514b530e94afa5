"""One candidate over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from leaderboard.board import Row
from leaderboard.charts.frame import frame, scaled, whiskers
from leaderboard.charts.theme import palette
from leaderboard.history import Line, Point
from leaderboard.stats import Interval
from leaderboard.text import plotly
from leaderboard.units import format_number, mib, ms, points

if TYPE_CHECKING:
    import plotly.graph_objects as go


MARGIN = timedelta(hours=12)


class Metric(NamedTuple):
    """What may be followed over time, in the unit that it is shown in."""

    title: str
    value: Callable[[Row], float | None]
    interval: Callable[[Row], Interval | None]
    basis: Callable[[Row], str]
    """What stands behind the interval."""


def _runs(row: Row) -> str:
    return f"{row.runs} run{'s' if row.runs != 1 else ''}"


def _items(row: Row) -> str:
    return f"n = {row.score.n:,}" if row.score else ""


def _scale(value: float | None, scale: Callable[[float], float]) -> float | None:
    return None if value is None else scale(value)


METRICS = {
    "accuracy": Metric(
        title="accuracy, %",
        value=lambda row: _scale(row.score.value if row.score else None, points),
        interval=lambda row: scaled(row.score.interval if row.score else None, points),
        basis=_items,
    ),
    "ttft": Metric(
        title="time to first token, ms",
        value=lambda row: _scale(row.ttft_s, ms),
        interval=lambda row: scaled(row.ttft_interval, ms),
        basis=_runs,
    ),
    "decode": Metric(
        title="decode tokens/s",
        value=lambda row: row.decode_tokens_per_s,
        interval=lambda row: row.decode_interval,
        basis=_runs,
    ),
    "memory": Metric(
        title="peak memory, MiB",
        value=lambda row: _scale(row.peak_bytes, mib),
        interval=lambda row: scaled(row.peak_interval, mib),
        basis=_runs,
    ),
}


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
    shown = METRICS[metric]
    figure = frame(dark=dark, height=380)
    for number, (line, name) in enumerate(zip(lines, names, strict=True)):
        known = [(p, v) for p in line.points if (v := shown.value(p.row)) is not None]
        values = [value for _, value in known]
        colour = colours.series[number % len(colours.series)]
        figure.add_scatter(
            x=[point.row.record.created_at for point, _ in known],
            y=values,
            mode="lines+markers",
            name=plotly(name),
            line={"width": 1.8, "color": colour},
            error_y=whiskers(values, [shown.interval(point.row) for point, _ in known], colour),
            marker={
                "symbol": ["diamond" if point.changes else "circle" for point, _ in known],
                "size": [13 if point.changes else 9 for point, _ in known],
            },
            hovertext=[_hover(point, shown, value) for point, value in known],
            hoverinfo="text",
        )
    figure.update_yaxes(title=shown.title)
    figure.update_xaxes(range=_span([point for line in lines for point in line.points]))
    figure.update_layout(showlegend=True)
    return figure


def _span(points: Sequence[Point]) -> list[str] | None:
    """From half a day before the first point to half a day after the last.

    A single point, or two of one afternoon, would else be shown to the millisecond. None where a
    record's time is no time.
    """
    try:
        times = [datetime.fromisoformat(point.row.record.created_at) for point in points]
        return [(min(times) - MARGIN).isoformat(), (max(times) + MARGIN).isoformat()]
    except (ValueError, TypeError, OverflowError):
        return None


def _hover(point: Point, metric: Metric, value: float) -> str:
    interval = metric.interval(point.row)
    spread = (
        f", 95 % {format_number(interval.low)} to {format_number(interval.high)}"
        if interval
        else ", no interval"
    )
    changed = "".join(f"<br>{plotly(change)}" for change in point.changes)
    return (
        f"<b>{plotly(point.row.record.created_at)}</b><br>{plotly(metric.title)}: "
        f"{format_number(value)}{spread}<br>{metric.basis(point.row)}{changed}"
    )
