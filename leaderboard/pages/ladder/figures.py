"""The quantisations of a family: what each loses of fidelity and accuracy, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plotly.subplots import make_subplots

from leaderboard.compare.fidelity_words import sentence
from leaderboard.compare.ladder import Ladder, Quantisation
from leaderboard.pages.frame import frame, label, lines_high, name_lines, scaled, shade, whiskers
from leaderboard.pages.theme import Palette, palette, template
from leaderboard.stats.intervals import Interval
from leaderboard.stats.paired_means import PairedDifference
from leaderboard.text import plotly
from leaderboard.units import mib, ms, points

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYMBOLS = {"pass": "circle", "cannot tell": "circle-open", "regressed": "x"}
"""Symbols by verdict, which differ in shape as well as in colour."""


def ratios_figure(ladder: Ladder, reference: str, names: Sequence[str], *, dark: bool) -> go.Figure:
    """A line a quantisation: the answers' perplexity ratio to the reference, the line at 1.

    Args:
        ladder: with at least one quantisation.
        reference: what to call the largest.
        names: what to call the others, in their order.
        dark: the background.

    Returns:
        Shaded red: beyond the margin. A line without a dot has no fidelity.
    """
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=lines_high(len(ladder.quantisations)))
    margin, worse = 1 + ladder.fidelity_margin, colours.series[1]
    found = [
        (i, quantisation, quantisation.fidelity)
        for i, quantisation in enumerate(ladder.quantisations)
        if quantisation.fidelity
    ]
    ends = [one.interval for _, _, one in found if one.interval]
    left = min([*(end.low for end in ends), 1 - ladder.fidelity_margin / 2])
    right = max([*(end.high for end in ends), 1 + 1.5 * ladder.fidelity_margin])
    span = [left - 0.05 * (right - left), right + 0.05 * (right - left)]
    figure.add_vrect(
        x0=margin, x1=span[1], fillcolor=shade(worse, 0.1), line_width=0, layer="below"
    )
    figure.add_vline(x=margin, line={"dash": "dash", "width": 1.5, "color": worse})
    figure.add_vline(x=1, line={"width": 1.5, "color": colours.muted})
    dots = [
        _Dot(
            line=i,
            verdict=str(quantisation.fidelity_verdict),
            value=one.ratio or 1.0,
            interval=one.interval,
            hover=f"{plotly(names[i])}: {sentence(one, reference)}",
        )
        for i, quantisation, one in found
    ]
    _add_dots(figure, dots, colours)
    name_lines(figure, names)
    figure.update_xaxes(title=f"perplexity ratio to {label(reference)}", range=span)
    figure.update_layout(showlegend=True)
    return figure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dot:
    """A quantisation's estimate with its interval."""

    line: int
    verdict: str
    value: float
    interval: Interval | None
    hover: str


def _add_dots(figure: go.Figure, dots: Sequence[_Dot], colours: Palette) -> None:
    """Add the dots, a trace a verdict, so that the legend says what each symbol means."""
    for verdict, symbol in SYMBOLS.items():
        shown = [dot for dot in dots if dot.verdict == verdict]
        if not shown:
            continue
        colour = colours.series[1] if verdict == "regressed" else colours.accent
        values = [dot.value for dot in shown]
        edge = {"width": 2, "color": colour}
        figure.add_scatter(
            x=values,
            y=[dot.line for dot in shown],
            mode="markers",
            name=verdict,
            error_x=whiskers(values, [dot.interval for dot in shown], colour),
            marker={"symbol": symbol, "size": 11, "color": colour, "line": edge},
            hovertext=[dot.hover for dot in shown],
            hoverinfo="text",
        )


def losses_figure(ladder: Ladder, reference: str, names: Sequence[str], *, dark: bool) -> go.Figure:
    """A line a quantisation: points of accuracy against the reference, the line at 0.

    Args:
        ladder: with at least one quantisation.
        reference: what to call the largest.
        names: what to call the others, in their order.
        dark: the background.

    Returns:
        Shaded red: losses beyond the margin. Shaded grey: as far as packing alone moves the mean,
        drawn where that was measured.
    """
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=lines_high(len(ladder.quantisations)))
    margin = -points(ladder.margin)
    values = [
        quantisation.accuracy.interval.low
        for quantisation in ladder.quantisations
        if quantisation.accuracy
    ]
    highs = [
        quantisation.accuracy.interval.high
        for quantisation in ladder.quantisations
        if quantisation.accuracy
    ]
    left = min([*map(points, values), 1.5 * margin]) * 1.1
    right = max([*map(points, highs), -0.5 * margin]) * 1.1
    worse = colours.series[1]
    figure.add_vrect(x0=left, x1=margin, fillcolor=shade(worse, 0.1), line_width=0, layer="below")
    figure.add_vline(x=margin, line={"dash": "dash", "width": 1.5, "color": worse})
    for line, quantisation in enumerate(ladder.quantisations):
        if quantisation.accuracy_floor is not None:
            floor = points(quantisation.accuracy_floor)
            figure.add_shape(
                type="rect", x0=-floor, x1=floor, y0=line - 0.42, y1=line + 0.42, line_width=0,
                fillcolor=shade(colours.muted, 0.28), layer="below",
            )  # fmt: skip
    figure.add_vline(x=0, line={"width": 1.5, "color": colours.muted})
    dots = [
        _Dot(
            line=i,
            verdict=str(quantisation.verdict),
            value=points(quantisation.accuracy.difference),
            interval=scaled(quantisation.accuracy.interval, points),
            hover=_hover(quantisation, quantisation.accuracy),
        )
        for i, quantisation in enumerate(ladder.quantisations)
        if quantisation.accuracy
    ]
    _add_dots(figure, dots, colours)
    name_lines(figure, names)
    figure.update_xaxes(title=f"points against {label(reference)}", range=[left, right])
    figure.update_layout(showlegend=True)
    return figure


def _hover(quantisation: Quantisation, found: PairedDifference) -> str:
    low, high = points(found.interval.low), points(found.interval.high)
    return (
        f"<b>{plotly(quantisation.record.candidate.name)}</b><br>"
        f"{points(found.difference):+.1f} points, 95 % {low:+.1f} to {high:+.1f}<br>"
        f"n = {found.n:,}: {found.gained} gained, {found.lost} lost<br>{quantisation.verdict}"
    )


def savings_figure(ladder: Ladder, names: Sequence[str], *, dark: bool) -> go.Figure:
    """Figure of savings: disk and peak memory in MiB, time to first token in ms.

    Left of 0, in another colour, it costs more than the largest. One without a bar was not measured
    there.
    """
    colours = palette(dark=dark)
    titles = ("disk, MiB", "peak memory, MiB", "first token, ms")
    saved = (
        [_scaled(quantisation.disk_saved_bytes, mib) for quantisation in ladder.quantisations],
        [_scaled(quantisation.memory_saved_bytes, mib) for quantisation in ladder.quantisations],
        [_scaled(quantisation.ttft_saved_s, ms) for quantisation in ladder.quantisations],
    )
    figure = make_subplots(rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.05)
    height = lines_high(len(ladder.quantisations))
    figure.update_layout(template=template(dark=dark), height=height, showlegend=False, bargap=0.45)
    for column, (title, values) in enumerate(zip(titles, saved, strict=True), start=1):
        known = [(i, value) for i, value in enumerate(values) if value is not None]
        figure.add_bar(
            x=[value for _, value in known],
            y=[i for i, _ in known],
            orientation="h",
            marker={"color": [colours.series[2 if value >= 0 else 1] for _, value in known]},
            hovertemplate=f"{title} saved: %{{x:,.0f}}<extra></extra>",
            row=1,
            col=column,
        )
        figure.update_xaxes(title=title, nticks=4, row=1, col=column)
    name_lines(figure, names)
    return figure


def _scaled(value: float | None, scale: Callable[[float], float]) -> float | None:
    return None if value is None else scale(value)
