"""Accuracy against what it costs: a point a candidate, the Pareto line of both axes, the limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from leaderboard.choose.overview import Line
from leaderboard.pages.frame import frame, scaled, whiskers
from leaderboard.pages.measures import shown as shown_number
from leaderboard.pages.measures import shown_interval
from leaderboard.pages.overview.log_scale import log_range, log_ticks
from leaderboard.pages.overview.pareto_line import pareto, pareto_line, stairs
from leaderboard.pages.overview.plot_labels import HEIGHT, Ground, Labelled, label_sets
from leaderboard.pages.overview.plot_limits import draw_limits
from leaderboard.pages.theme import Palette, palette
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import ACCURACY, METRICS
from leaderboard.rows.shown import applies
from leaderboard.stats.intervals import Interval
from leaderboard.text import plotly
from leaderboard.units import format_percent, points

FEW = 14
"""Candidates up to which each has its bars; of more, the recommended one alone."""
OUTSIDE, FITS, PARETO, CHOSEN = "outside your limits", "fits", "Pareto-optimal", "recommended"


def unplotted(lines: Sequence[Line], x: str) -> tuple[Line, ...]:
    """Lines that lack one of the two axes and so are not on the plot."""
    return tuple(one for one in lines if not _plotted(one, METRICS[x]))


def _plotted(line: Line, axis: Metric) -> bool:
    value = shown_number(axis, line.row)
    return line.accuracy is not None and value is not None and 0 < value < math.inf


def tradeoff(
    lines: Sequence[Line],
    x: str,
    *,
    limits: Mapping[str, float] | None = None,
    guessing: float | None = None,
    weighted: bool = False,
    dark: bool = False,
) -> go.Figure:
    """The trade-off plot.

    Args:
        lines: candidates, fitting or not.
        x: one of `metrics.axes`.
        limits: by key of METRICS, as they are shown; those of both axes are drawn.
        guessing: what guessing would score, 0 to 1: a dashed line.
        weighted: True where abilities are weighed, which the axis says.
        dark: drawn on a dark page.

    Returns:
        The figure, whose points carry their candidate's digest as custom data; without the lines
        of `unplotted`. Its `meta` has the labels for each class of width
        (`plot_labels.fit_labels`).
    """
    axis, limits = METRICS[x], limits or {}
    shown = [one for one in lines if _plotted(one, axis)]
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=HEIGHT)
    marked, few = _marked(shown, axis), len(shown) <= FEW
    for kind in _kinds(colours):
        own = [one for one in marked if one.kind == kind.name]
        figure.add_trace(_trace(own, kind, colours, bars=kind.name == CHOSEN or few))
    line = pareto_line([(one.x, one.y) for one in marked if one.kind != OUTSIDE], axis, colours)
    figure.add_trace(line)
    across = log_range([one.x for one in marked], limits.get(x))
    span = _span(shown, guessing)
    ground = Ground(across=across, span=span, stairs=stairs(line), guessing=guessing is not None)
    figure.update_layout(
        xaxis={"type": "log", "title": {"text": _axis_title(axis)}, **log_ticks(across)},
        yaxis={"title": {"text": f"{'weighted ' * weighted}accuracy, %"}, "range": span},
        showlegend=bool(marked),
        dragmode=False,
        meta={"labels": label_sets([_labelled(one, few) for one in marked], ground)},
    )
    if guessing is not None and shown:
        _guessing_line(figure, points(guessing), colours)
    if marked:
        draw_limits(figure, axis, limits.get(x), across, colours)
        draw_limits(figure, METRICS[ACCURACY], limits.get(ACCURACY), span, colours)
    return figure


def _axis_title(axis: Metric) -> str:
    better = "\N{LEFTWARDS ARROW} less is better"
    if axis.better == "higher":
        better = "more is better \N{RIGHTWARDS ARROW}"
    return f"{axis.axis_title} (log scale; {better})"


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
class _Marked:
    """A line as it is drawn."""

    line: Line
    kind: str
    x: float
    y: float
    across: Interval | None
    """95 % interval of the cost, as it is shown; None: no bar."""
    up: Interval | None


def _marked(shown: Sequence[Line], axis: Metric) -> list[_Marked]:
    """Points in the order in which labels are given places: what matters most comes first."""
    x = {id(one): shown_number(axis, one.row) or 1.0 for one in shown}
    fitting = [one for one in shown if not one.reasons]
    optimal = pareto([(x[id(one)], one.accuracy or 0.0) for one in fitting], axis)
    best = {id(one) for one, on in zip(fitting, optimal, strict=True) if on}
    found = []
    for one in shown:
        kind = OUTSIDE if one.reasons else PARETO if id(one) in best else FITS
        kind = CHOSEN if one.ship else kind
        found.append(
            _Marked(
                line=one,
                kind=kind,
                x=x[id(one)],
                y=points(one.accuracy or 0.0),
                across=shown_interval(axis, one.row),
                up=scaled(one.interval, points),
            )
        )
    order = (CHOSEN, PARETO, FITS, OUTSIDE)
    return sorted(found, key=lambda one: order.index(one.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    symbol: str
    size: int
    fill: str
    edge: str
    text: str


def _kinds(colours: Palette) -> Iterator[_Kind]:
    """Drawn in this order: what matters most comes last, on top."""
    muted, other = colours.muted, colours.series[1]
    clear = colours.background
    yield _Kind(name=OUTSIDE, symbol="x-thin", size=7, fill=muted, edge=muted, text=muted)
    yield _Kind(name=FITS, symbol="circle", size=10, fill=clear, edge=muted, text=colours.text)
    yield _Kind(
        name=PARETO, symbol="circle", size=12, fill=colours.accent, edge=clear, text=colours.text
    )
    yield _Kind(
        name=CHOSEN, symbol="diamond", size=16, fill=other, edge=colours.text, text=colours.text
    )


def _trace(found: Sequence[_Marked], kind: _Kind, colours: Palette, *, bars: bool) -> go.Scatter:
    x, y = [one.x for one in found], [one.y for one in found]
    return go.Scatter(
        name=kind.name,
        mode="markers+text",
        x=x,
        y=y,
        error_x=_bars(x, [one.across for one in found], colours) | {"visible": bars},
        error_y=_bars(y, [one.up for one in found], colours) | {"visible": bars},
        # A halo, so that a name on a line can be read.
        textfont={"size": 12, "color": kind.text, "shadow": f"0 0 3px {colours.background}"},
        customdata=[one.line.row.record.candidate.digest for one in found],
        hovertext=[_hover(one.line) for one in found],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "symbol": kind.symbol,
            "size": kind.size,
            "color": kind.fill,
            "line": {"color": kind.edge, "width": 1.5},
        },
        showlegend=bool(found),
        cliponaxis=False,
    )


def _bars(
    values: Sequence[float], intervals: Sequence[Interval | None], colours: Palette
) -> dict[str, object]:
    """Thinner than elsewhere: they cross each other here."""
    return whiskers(values, intervals, colours.muted) | {"thickness": 0.8, "width": 3}


def _labelled(one: _Marked, few: bool) -> Labelled:
    row = one.line.row
    size = 16 if one.kind == CHOSEN else 12
    bars = few or one.kind == CHOSEN
    return Labelled(
        digest=row.record.candidate.digest,
        name=row.record.candidate.name,
        x=one.x,
        y=one.y,
        radius=size / 2,
        across=one.across if bars else None,
        up=one.up if bars else None,
    )


def _hover(line: Line) -> str:
    row = line.row
    half = ""
    if line.interval:
        half = f" \N{PLUS-MINUS SIGN} {points(line.interval.half):.1f}"
    facts = [
        f"<b>{plotly(row.record.candidate.name)}</b>",
        f"accuracy {format_percent(line.accuracy)}{half}, {line.items:,} items",
        *(
            f"{metric.short} {metric.unit.text(row.value(key))}"
            for key, metric in METRICS.items()
            if metric.over != "items" and (metric.usual or metric.axis) and applies(metric, [row])
        ),
        f"{row.runs} run{'s' if row.runs != 1 else ''}",
    ]
    if line.front is not None:
        facts.append(
            f"Pareto-optimal in accuracy, speed and memory: {points(line.front):.0f}% probability"
        )
    facts += [plotly(f"outside: {reason.text}") for reason in line.reasons]
    facts += [plotly(f"flag: {flag}") for flag in row.flags]
    return "<br>".join(facts)


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
