"""Accuracy against how long a user waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, shade
from leaderboard.pages.theme import palette
from leaderboard.runs.deadline import DeadlineCurve, steps, within
from leaderboard.text import plotly
from leaderboard.units import points

if TYPE_CHECKING:
    import plotly.graph_objects as go


def deadline_figure(curves: Sequence[DeadlineCurve], *, dark: bool) -> go.Figure:
    """A staircase a task: the per cent answered correctly within so many seconds.

    The band is the 95 % interval over items at each deadline by itself.
    """
    colours = palette(dark=dark)
    figure = frame(dark=dark, height=320)
    for number, curve in enumerate(curves):
        colour = colours.series[number % len(colours.series)]
        seconds, shares = steps(curve)
        bands = [within(curve, second).interval for second in seconds]
        for bound, fill in (("low", None), ("high", "tonexty")):
            figure.add_scatter(
                x=seconds,
                y=[points(getattr(band, bound)) for band in bands],
                mode="lines",
                line={"shape": "hv", "width": 0},
                fill=fill,
                fillcolor=shade(colour, 0.18),
                hoverinfo="skip",
                showlegend=False,
            )
        figure.add_scatter(
            x=seconds,
            y=[points(share) for share in shares],
            mode="lines",
            line={"shape": "hv", "width": 2.2, "color": colour},
            name=f"{plotly(curve.task)}, n = {curve.n:,}",
            hovertemplate="%{y:.1f}% correct within %{x:.2f} s<extra></extra>",
        )
    figure.update_xaxes(title="deadline, s", rangemode="tozero")
    figure.update_yaxes(title="answered correctly, %", rangemode="tozero")
    figure.update_layout(showlegend=True)
    return figure
