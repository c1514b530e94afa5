"""Wholes and their parts: tensor types of a file, the stages of a cold start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, lines_high, name_lines
from leaderboard.pages.theme import palette
from leaderboard.runs.timings import ColdStart
from leaderboard.text import plotly
from leaderboard.units import points

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEAST_LABELLED = 0.06
"""A share below this has no room for its name."""


def tensors_figure(shares: Sequence[tuple[str, float]], *, dark: bool) -> go.Figure:
    """One bar: the per cent of the parameters that each tensor type holds, the greatest first."""
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=128)
    for number, (kind, share) in enumerate(shares):
        figure.add_bar(
            x=[points(share)],
            y=[0],
            orientation="h",
            name=plotly(kind),
            text=f"{plotly(kind)} {share:.0%}" if share >= LEAST_LABELLED else "",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "#000000" if _bright(number, dark=dark) else "#FFFFFF"},
            marker={"color": colours.series[number % len(colours.series)]},
            hovertemplate=f"{plotly(kind)}: {share:.2%} of the parameters<extra></extra>",
        )
    figure.update_layout(barmode="stack", margin={"t": 8}, showlegend=False)
    figure.update_yaxes(visible=False)
    figure.update_xaxes(title="% of the parameters", range=[0, 100])
    return figure


def _bright(number: int, *, dark: bool) -> bool:
    """True where black reads better than white on a colour of the series (WCAG's luminance)."""
    colours = palette(dark=dark).series
    colour = colours[number % len(colours)]
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return luminance > 0.179


def cold_start_figure(starts: Sequence[ColdStart], *, dark: bool) -> go.Figure:
    """A bar a run: process ready, model loaded, first token, in seconds."""
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=lines_high(len(starts)))
    stages: tuple[tuple[str, list[float | None]], ...] = (
        ("process and runtime", [start.ready_s for start in starts]),
        ("model loaded", [start.load_s for start in starts]),
        ("first token", [start.first_token_s for start in starts]),
    )
    for number, (stage, seconds) in enumerate(stages):
        known = [(i, value) for i, value in enumerate(seconds) if value is not None]
        figure.add_bar(
            x=[value for _, value in known],
            y=[i for i, _ in known],
            orientation="h",
            name=stage,
            marker={"color": colours.series[number]},
            hovertemplate=f"{stage}: %{{x:.2f}} s<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.45, legend_traceorder="normal")
    name_lines(figure, [f"run {start.repeat + 1}" for start in starts])
    figure.update_xaxes(title="s", rangemode="tozero")
    return figure
