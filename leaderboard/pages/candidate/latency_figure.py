"""Figure of the distribution of times: cumulative shares and counts, a line a process run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from plotly.subplots import make_subplots

from leaderboard.pages.theme import palette, template
from leaderboard.runs.timings import ecdf
from leaderboard.text import plotly
from leaderboard.units import ms

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 380
MOST_STEPS = 200
"""Steps of a drawn distribution: of more values every so many are drawn, the last included."""
BINS = 40


def times_figure(
    runs: Sequence[tuple[str, Sequence[float]]], *, unit: str, dark: bool
) -> go.Figure:
    """Figure of times: above, the share of values up to a time; below, how many lie where.

    Args:
        runs: what to call a process run, and its raw times in seconds.
        unit: of what one value is, e.g. `requests` or `gaps`.
        dark: the background.

    Returns:
        A distribution function a run, because runs differ by more than the values within one; the
        histogram has all runs together.
    """
    colours = palette(dark=dark)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.06
    )
    figure.update_layout(template=template(dark=dark), height=HEIGHT, bargap=0.05)
    for number, (name, values) in enumerate(runs):
        times, shares = map(_thinned, ecdf([ms(value) for value in values]))
        figure.add_scatter(
            x=times,
            y=[100 * share for share in shares],
            mode="lines+markers" if len(times) <= 12 else "lines",
            line={"shape": "hv", "width": 1.8, "color": _colour(colours.series, number)},
            marker={"size": 5},
            name=plotly(name),
            hovertemplate=f"{plotly(name)}: %{{y:.0f}}% within %{{x:.1f}} ms<extra></extra>",
            row=1,
            col=1,
        )
    pooled = [ms(value) for _, values in runs for value in values]
    counts, edges = np.histogram(pooled, BINS)
    half = float(edges[1] - edges[0]) / 2
    figure.add_bar(
        x=(edges[:-1] + half).tolist(),
        y=counts.tolist(),
        width=2 * half,
        marker={"color": colours.muted, "opacity": 0.7},
        name="all runs",
        showlegend=False,
        hovertemplate=f"%{{y}} {unit} in %{{x:.1f}} ± {half:.1f} ms<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_yaxes(title="cumulative %", range=[0, 104], row=1, col=1)
    figure.update_yaxes(title="count", row=2, col=1)
    figure.update_xaxes(title=f"ms ({len(pooled):,} {unit})", row=2, col=1)
    return figure


def _thinned(values: Sequence[float]) -> Sequence[float]:
    last = len(values) - 1
    if last < MOST_STEPS:
        return values
    return [values[round(i * last / (MOST_STEPS - 1))] for i in range(MOST_STEPS)]


def _colour(series: Sequence[str], number: int) -> str:
    return series[number % len(series)]
