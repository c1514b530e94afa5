"""Accuracy against what it costs: one bubble a candidate, intervals both ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from leaderboard.choose.overview import Line
from leaderboard.pages.frame import frame, scaled, whiskers
from leaderboard.pages.measures import shown as shown_number
from leaderboard.pages.measures import shown_interval
from leaderboard.pages.overview.label_places import Bubble, positions
from leaderboard.pages.overview.log_scale import log_range, log_ticks
from leaderboard.pages.theme import Palette, palette
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import short_names
from leaderboard.rows.shown import applies
from leaderboard.stats.intervals import Interval
from leaderboard.text import cut, plotly
from leaderboard.units import format_percent, points

MOST_LABELS = 14
HEIGHT, WIDTH = 460, 800
"""Pixels; the width is that of an ordinary window, by which labels are placed."""
_SMALL, _LARGE = 14.0, 44.0
"""Diameters of bubbles, in pixels."""

OUTSIDE = "outside your limits"
_KINDS = (OUTSIDE, "fits", "Pareto-optimal", "recommended")


def bubble_axis(x: str) -> str:
    """The third axis of the plot: what the bubbles' areas show."""
    return "decode" if x in ("memory", "disk") else "memory"


def unplotted(lines: Sequence[Line], x: str) -> tuple[Line, ...]:
    """Lines that lack one of the two axes and so are not on the plot."""
    return tuple(one for one in lines if not _plotted(one, METRICS[x]))


def _plotted(line: Line, axis: Metric) -> bool:
    return line.accuracy is not None and _positive(shown_number(axis, line.row))


def tradeoff(
    lines: Sequence[Line],
    x: str,
    *,
    guessing: float | None = None,
    dark: bool = False,
) -> go.Figure:
    """The trade-off plot.

    Args:
        lines: candidates, fitting or not.
        x: one of `metrics.axes`.
        guessing: what guessing would score, 0 to 1: a dashed line.
        dark: drawn on a dark page.

    Returns:
        The figure, whose points carry their candidate's digest as custom data; without the lines
        of `unplotted`.
    """
    axis, third = METRICS[x], METRICS[bubble_axis(x)]
    shown = [one for one in lines if _plotted(one, axis)]
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=HEIGHT)
    span = _span(shown, guessing)
    drawn = _points(shown, axis, third, span)
    for kind in _kinds(colours):
        part = [point for point in drawn if point.kind == kind.name]
        if part:
            figure.add_trace(_bubbles(part, kind, axis, colours))
    figure.update_layout(
        xaxis={
            "type": "log",
            "title": {"text": axis.axis_title},
            **log_ticks([p.x for p in drawn]),
        },
        yaxis={"title": {"text": "accuracy, %"}, "range": span},
        showlegend=len(figure.data) > 1,
        dragmode=False,
    )
    if guessing is not None and shown:
        _guessing_line(figure, points(guessing), colours)
    return figure


def _guessing_line(figure: go.Figure, percent: float, colours: Palette) -> None:
    figure.add_hline(
        y=percent,
        line={"dash": "dash", "width": 1.2, "color": colours.muted},
        annotation={
            "text": f"random guessing {percent:.1f} %",
            "font": {"size": 12, "color": colours.muted},
        },
        annotation_position="top left",
        layer="below",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """A line as it is drawn."""

    line: Line
    kind: str
    x: float
    diameter: float
    label: str
    position: str
    """Position of the label; empty: it has no place."""


def _points(
    shown: Sequence[Line],
    axis: Metric,
    third: Metric,
    span: tuple[float, float],
) -> list[_Point]:
    # The answer's label has the first choice of a place, then the front's.
    ordered = sorted(shown, key=lambda one: _KINDS.index(_kind(one)), reverse=True)
    x = [shown_number(axis, one.row) or 1.0 for one in ordered]
    diameters = _diameters([shown_number(third, one.row) for one in ordered])
    labels = _labels(ordered)
    (left, right), (low, high) = log_range(x), span
    bubbles = [
        Bubble(
            x=WIDTH * (math.log10(value) - left) / (right - left),
            y=(HEIGHT - 100) * (points(one.accuracy or 0.0) - low) / (high - low),
            radius=diameter / 2,
            text=label,
        )
        for one, value, diameter, label in zip(ordered, x, diameters, labels, strict=True)
    ]
    places = positions(bubbles, WIDTH, HEIGHT - 100)
    return [
        _Point(
            line=one,
            kind=_kind(one),
            x=value,
            diameter=diameter,
            label=label if place else "",
            position=place or "middle center",
        )
        for one, value, diameter, label, place in zip(
            ordered, x, diameters, labels, places, strict=True
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    fill: str
    edge: str
    width: float
    opacity: float


def _kinds(colours: Palette) -> tuple[_Kind, ...]:
    """Drawn in this order: what matters most comes last, on top."""
    accent, other = colours.accent, colours.series[1]
    grey = colours.muted
    return (
        _Kind(name=OUTSIDE, fill=colours.grid, edge=grey, width=1, opacity=0.45),
        _Kind(name="fits", fill=colours.panel, edge=grey, width=1.5, opacity=0.9),
        _Kind(name="Pareto-optimal", fill=accent, edge=colours.background, width=1.5, opacity=0.85),
        _Kind(name="recommended", fill=other, edge=colours.text, width=2, opacity=0.95),
    )


def _kind(line: Line) -> str:
    if line.reasons:
        return OUTSIDE
    if line.ship:
        return "recommended"
    return "Pareto-optimal" if line.on_front else "fits"


def _bubbles(found: Sequence[_Point], kind: _Kind, axis: Metric, colours: Palette) -> go.Scatter:
    lines = [point.line for point in found]
    x = [point.x for point in found]
    y = [points(one.accuracy or 0.0) for one in lines]
    outside = kind.name == OUTSIDE
    return go.Scatter(
        name=kind.name,
        mode="markers+text",
        x=x,
        y=y,
        error_x=_bars(x, [shown_interval(axis, one.row) for one in lines], colours),
        error_y=_bars(y, [scaled(one.interval, points) for one in lines], colours),
        opacity=kind.opacity,
        text=[plotly(point.label) for point in found],
        textposition=[point.position for point in found],
        textfont={"size": 12, "color": colours.muted if outside else colours.text},
        customdata=[one.row.record.candidate.digest for one in lines],
        hovertext=[_hover(one) for one in lines],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "size": [point.diameter for point in found],
            "color": kind.fill,
            "line": {"color": kind.edge, "width": kind.width},
        },
        cliponaxis=False,
    )


def _bars(
    values: Sequence[float], intervals: Sequence[Interval | None], colours: Palette
) -> dict[str, object]:
    """Thinner than elsewhere: they cross each other here."""
    return whiskers(values, intervals, colours.muted) | {"thickness": 1, "width": 3}


def _labels(lines: Sequence[Line]) -> list[str]:
    """Short names, with the probability of being on the front where there is one."""
    short = short_names([one.row.record.candidate.name for one in lines])
    found = []
    for line, name in zip(lines, short, strict=True):
        if len(lines) > MOST_LABELS and not line.on_front:
            found.append("")
            continue
        chance = "" if line.front is None else f" {points(line.front):.0f}%"
        found.append(f"{cut(name, 24)}{chance}")
    return found


def _hover(line: Line) -> str:
    row = line.row
    score = row.score
    half = ""
    if line.interval:
        half = f" \N{PLUS-MINUS SIGN} {points(line.interval.half):.1f}"
    facts = [
        f"<b>{plotly(row.record.candidate.name)}</b>",
        f"accuracy {format_percent(line.accuracy)}{half}, {score.n if score else 0:,} items",
        *(
            f"{metric.short} {metric.unit.text(row.value(key))}"
            for key, metric in METRICS.items()
            if metric.over != "items" and (metric.usual or metric.axis) and applies(metric, [row])
        ),
        f"{row.runs} run{'s' if row.runs != 1 else ''}",
    ]
    if line.front is not None:
        facts.append(f"Pareto-optimal with {points(line.front):.0f}% probability")
    facts += [plotly(f"outside: {reason.text}") for reason in line.reasons]
    facts += [plotly(f"flag: {flag}") for flag in row.flags]
    return "<br>".join(facts)


def _diameters(values: Sequence[float | None]) -> list[float]:
    """Areas in proportion to the values; the smallest size where one is missing."""
    known = [value for value in values if _positive(value)]
    if not known:
        return [_SMALL for _ in values]
    largest = max(value or 0.0 for value in known)
    return [
        max(_SMALL, _LARGE * math.sqrt((value or 0.0) / largest)) if _positive(value) else _SMALL
        for value in values
    ]


def _positive(value: float | None) -> bool:
    return value is not None and 0 < value < math.inf


def _span(lines: Sequence[Line], guessing: float | None) -> tuple[float, float]:
    """Range of the vertical axis, per cent: every interval, and some room."""
    ends = [
        points(end)
        for one in lines
        for end in ((one.interval.low, one.interval.high) if one.interval else (one.accuracy or 0,))
    ]
    ends += [points(guessing)] if guessing is not None and lines else []
    low, high = min(ends, default=0.0), max(ends, default=100.0)
    room = max(1.0, 0.05 * (high - low))
    return low - room, high + room
