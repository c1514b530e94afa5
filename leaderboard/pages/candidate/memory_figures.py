"""Memory by phase, over time, and under limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, lines_high, name_lines, scaled, shade, whiskers
from leaderboard.pages.theme import palette
from leaderboard.runs.memory_limits import LimitPoint
from leaderboard.runs.timings import PhaseBytes
from leaderboard.text import plotly
from leaderboard.units import format_mib, mib

if TYPE_CHECKING:
    import plotly.graph_objects as go

Series = Sequence[tuple[float, int, int | None, int | None]]
"""(seconds, resident, anonymous, file-backed bytes)."""
SYMBOLS = {
    "fits": "circle",
    "too slow": "triangle-down",
    "thrashes": "diamond",
    "out of memory": "x",
    "over vram": "star",
    "failed": "cross",
}
"""A shape a verdict, so that colour is not all there is to tell them by."""


def phases_figure(phases: Sequence[PhaseBytes], *, dark: bool) -> go.Figure:
    """A bar a phase: what is held when it ends, anonymous and file-backed, and a tick at its peak.

    MiB; a phase whose split is not known has its peak alone.
    """
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=lines_high(len(phases)))
    split = (
        ("anonymous", [one.anon_bytes for one in phases], colours.series[0]),
        ("file-backed", [one.file_bytes for one in phases], colours.series[4]),
    )
    for name, sizes, colour in split:
        known = [(i, size) for i, size in enumerate(sizes) if size is not None]
        figure.add_bar(
            x=[mib(size) for _, size in known],
            y=[i for i, _ in known],
            orientation="h",
            name=f"{name}, when it ends",
            marker={"color": colour},
            hovertemplate=f"{name}: %{{x:,.0f}} MiB<extra></extra>",
        )
    figure.add_scatter(
        x=[mib(one.peak_bytes) for one in phases],
        y=list(range(len(phases))),
        mode="markers",
        name="peak",
        marker={"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": colours.text}},
        hovertext=[f"{plotly(one.phase)}: peak {format_mib(one.peak_bytes)}" for one in phases],
        hoverinfo="text",
    )
    figure.update_layout(barmode="stack", bargap=0.45, legend_traceorder="normal")
    name_lines(figure, [one.phase for one in phases])
    figure.update_xaxes(title="MiB", rangemode="tozero")
    return figure


def series_figure(series: Series, *, dark: bool) -> go.Figure:
    """Resident MiB over seconds, split into anonymous and file-backed where that is known."""
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=300)
    seconds = [point[0] for point in series]
    split = (("anonymous", 2, colours.series[0]), ("file-backed", 3, colours.series[4]))
    for name, column, colour in split:
        sizes = [point[column] for point in series]
        if None not in sizes:
            figure.add_scatter(
                x=seconds,
                y=[mib(size or 0) for size in sizes],
                mode="lines",
                stackgroup="split",
                name=name,
                line={"width": 0.5, "color": colour},
                fillcolor=shade(colour, 0.75),
                hovertemplate=f"{name}: %{{y:,.0f}} MiB<extra></extra>",
            )
    figure.add_scatter(
        x=seconds,
        y=[mib(point[1]) for point in series],
        mode="lines",
        name="resident",
        line={"width": 1.4, "color": colours.text},
        hovertemplate="resident: %{y:,.0f} MiB after %{x:,.1f} s<extra></extra>",
    )
    figure.update_xaxes(title="s")
    figure.update_yaxes(title="MiB", rangemode="tozero")
    figure.update_layout(hovermode="x unified")
    return figure


def limits_figure(points: Sequence[LimitPoint], *, dark: bool) -> go.Figure:
    """Decode tokens/s against the memory limit; a mark on the axis where no token came.

    A shape and a colour a verdict; the dashed line is the speed without a limit.
    """
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=320)
    limited = [point for point in points if point.limit_bytes is not None]
    for number, verdict in enumerate(dict.fromkeys(point.verdict for point in limited)):
        shown = [point for point in limited if point.verdict == verdict]
        rates = [point.decode_tokens_per_s or 0.0 for point in shown]
        colour = colours.series[number % len(colours.series)]
        figure.add_scatter(
            x=[mib(point.limit_bytes or 0) for point in shown],
            y=rates,
            mode="markers",
            name=plotly(verdict),
            cliponaxis=False,
            error_y=whiskers(rates, [scaled(p.decode_interval, float) for p in shown], colour),
            marker={"symbol": SYMBOLS.get(verdict, "square"), "size": 12, "color": colour},
            hovertext=[_limit_hover(point) for point in shown],
            hoverinfo="text",
        )
    free = next((p.decode_tokens_per_s for p in points if p.limit_bytes is None), None)
    if free is not None:
        figure.add_hline(
            y=free,
            line={"dash": "dash", "width": 1.5, "color": colours.muted},
            annotation={"text": "without a limit", "font": {"color": colours.muted}},
        )
    figure.update_xaxes(title="memory limit, MiB", type="log")
    figure.update_yaxes(title="decode tokens/s", rangemode="tozero")
    return figure


def _limit_hover(point: LimitPoint) -> str:
    rate = point.decode_tokens_per_s
    speed = "no token came" if rate is None else f"{rate:,.1f} tokens/s, {point.runs} runs"
    reason = f"<br>{plotly(point.reason)}" if point.reason else ""
    return (
        f"<b>{format_mib(point.limit_bytes)}: {plotly(point.verdict)}</b><br>{speed}<br>"
        f"enforced by: {plotly(point.enforced)}{reason}"
    )
