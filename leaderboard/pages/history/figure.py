"""One candidate over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from textwrap import wrap
from typing import TYPE_CHECKING

from leaderboard.gate.history import Allowed
from leaderboard.pages.frame import frame, legend_name, shade, whiskers
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A line with what to call it, and what its checks allow."""

    line: Line
    name: str
    allowed: Allowed | None = None
    """The baseline's value and the worst that its newest check allows; None: never checked."""
    regressed: Mapping[int, str] = field(default_factory=dict)
    """Place of a point whose check said that it regressed -> its sentence."""


def history_figure(lines: Sequence[Drawn], metric: str, *, dark: bool) -> go.Figure:
    """One metric over time, a line for each machine, suite and budget.

    Args:
        lines: of one candidate.
        metric: a key of METRICS.
        dark: the background.

    Returns:
        A diamond where the candidate, its runtime or Weighin changed since the point before, a red
        ring where the check of a point said that it regressed, and a band from the baseline's
        value to the worst that is allowed. Points without the metric are left out.
    """
    colours = palette(dark=dark)
    one = METRICS[metric]
    figure = frame(dark=dark, height=380)
    for number, drawn in enumerate(lines):
        known = [
            (place, point, value)
            for place, point in enumerate(drawn.line.points)
            if (value := shown(one, point.row)) is not None
        ]
        values = [value for *_, value in known]
        colour = colours.series[number % len(colours.series)]
        if drawn.allowed is not None and known:
            _band(figure, drawn.allowed, one, colour)
        figure.add_scatter(
            x=[point.row.record.created_at for _, point, _ in known],
            y=values,
            mode="lines+markers",
            name=legend_name(drawn.name),
            showlegend=len(lines) > 1,
            line={"width": 1.8, "color": colour},
            error_y=whiskers(
                values, [shown_interval(one, point.row) for _, point, _ in known], colour
            ),
            marker={
                "symbol": ["diamond" if point.changes else "circle" for _, point, _ in known],
                "size": [13 if point.changes else 9 for _, point, _ in known],
            },
            hovertext=[_hover(point, one, value) for _, point, value in known],
            hoverinfo="text",
        )
    _regressed(figure, lines, one, colours.bad)
    figure.update_yaxes(title=one.axis_title)
    figure.update_xaxes(range=_span([point for drawn in lines for point in drawn.line.points]))
    figure.update_layout(showlegend=True)
    return figure


def _band(figure: go.Figure, found: Allowed, metric: Metric, colour: str) -> None:
    value, worst = (metric.unit.scale(one) for one in (found.value, found.worst))
    figure.add_hrect(
        y0=min(value, worst),
        y1=max(value, worst),
        fillcolor=shade(colour, 0.12),
        line_width=0,
        name="allowed by the newest check",
        showlegend=True,
    )
    figure.add_hline(
        y=value,
        line={"width": 1.2, "dash": "dash", "color": colour},
        name=legend_name(f"baseline {found.baseline}"),
        showlegend=True,
    )


def _regressed(figure: go.Figure, lines: Sequence[Drawn], metric: Metric, colour: str) -> None:
    """Rings about the points whose check said that they regressed."""
    found = [
        (drawn.line.points[place].row, sentence)
        for drawn in lines
        for place, sentence in drawn.regressed.items()
    ]
    known = [(row, said, v) for row, said in found if (v := shown(metric, row)) is not None]
    if known:
        figure.add_scatter(
            x=[row.record.created_at for row, _, _ in known],
            y=[value for *_, value in known],
            mode="markers",
            name="regressed in its check",
            marker={
                "symbol": "circle-open",
                "size": 20,
                "color": colour,
                "line": {"width": 3, "color": colour},
            },
            hovertext=["<br>".join(wrap(plotly(said), 70)) for _, said, _ in known],
            hoverinfo="text",
        )


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
