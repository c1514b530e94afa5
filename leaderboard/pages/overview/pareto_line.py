"""The Pareto line of accuracy and one cost: the best accuracy that each price buys."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from leaderboard.pages.theme import Palette
from leaderboard.rows.metric import Metric

LINE = "Pareto line"


def pareto(values: Sequence[tuple[float, float]], axis: Metric) -> list[bool]:
    """Mark the points of which none is cheaper and as accurate, or as cheap and more accurate.

    Args:
        values: cost and accuracy of each.
        axis: says which cost is better.
    """
    sign = 1.0 if axis.better == "lower" else -1.0
    goods = [(-sign * cost, accuracy) for cost, accuracy in values]
    return [
        not any(other != good and other[0] >= good[0] and other[1] >= good[1] for other in goods)
        for good in goods
    ]


def pareto_line(
    values: Sequence[tuple[float, float]], axis: Metric, colours: Palette
) -> go.Scatter:
    """A staircase through the points that are optimal.

    Args:
        values: cost and accuracy of each that fits, as they are shown.
        axis: the cost.
        colours: of the page.
    """
    optimal = pareto(values, axis)
    corners = sorted({value for value, on in zip(values, optimal, strict=True) if on})
    return go.Scatter(
        name=LINE,
        mode="lines",
        x=[x for x, _ in corners],
        y=[y for _, y in corners],
        line={
            "shape": "hv" if axis.better == "lower" else "vh",
            "width": 1.5,
            "color": colours.accent,
            "dash": "dot",
        },
        hoverinfo="skip",
        showlegend=False,
    )


def stairs(line: go.Scatter) -> list[tuple[float, float]]:
    """Every corner of the line as it is drawn."""
    corners = list(zip(line.x, line.y, strict=True))
    found = corners[:1]
    for (x, y), (x2, y2) in pairwise(corners):
        found += [(x2, y) if line.line.shape == "hv" else (x, y2), (x2, y2)]
    return found
