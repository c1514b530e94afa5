"""Limits on a plot: a line, what lies beyond shaded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from leaderboard.pages.frame import shade
from leaderboard.units import format_number

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from leaderboard.pages.theme import Palette
    from leaderboard.rows.metric import Metric

SHADED = 0.13


def draw_limits(
    figure: go.Figure,
    metric: Metric,
    limit: float | None,
    span: tuple[float, float],
    colours: Palette,
) -> None:
    """Draw one limit; where it lies beyond the drawing, a note at the edge points to it.

    Args:
        figure: whose horizontal axis is logarithmic.
        metric: the horizontal axis, or the accuracy, which is the vertical one.
        limit: as it is shown; None or 0: there is none to draw.
        span: range of the axis, the horizontal one's in powers of ten.
        colours: of the page.
    """
    if not limit:
        return
    upright = metric.over != "items"
    ends = [10**end for end in span] if upright else list(span)
    inside = ends[0] < limit < ends[1]
    if metric.better == "lower":
        beyond = (min(max(limit, ends[0]), ends[1]), ends[1])
    else:
        beyond = (ends[0], max(min(limit, ends[1]), ends[0]))
    _shade(figure, beyond, colours, upright=upright)
    if inside:
        line = {"dash": "dot", "width": 2, "color": colours.series[1]}
        place = {"x": limit} if upright else {"y": limit}
        (figure.add_vline if upright else figure.add_hline)(**place, line=line, layer="below")
    _note(figure, metric, limit, ends, colours, upright=upright)


def _shade(
    figure: go.Figure, beyond: tuple[float, float], colours: Palette, *, upright: bool
) -> None:
    if beyond[0] >= beyond[1]:
        return
    along, other = ("x", "y") if upright else ("y", "x")
    figure.add_shape(
        type="rect",
        layer="below",
        line={"width": 0},
        fillcolor=shade(colours.muted, SHADED),
        **{f"{along}0": beyond[0], f"{along}1": beyond[1]},
        **{f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"},
    )


def _note(
    figure: go.Figure,
    metric: Metric,
    limit: float,
    ends: list[float],
    colours: Palette,
    *,
    upright: bool,
) -> None:
    symbol = f" {metric.unit.symbol}" if metric.unit.symbol else ""
    words = f"your limit {format_number(limit)}{symbol}"
    share = _share(limit, ends, upright=upright)
    arrows = (
        ("\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}")
        if upright
        else ("\N{DOWNWARDS ARROW}", "\N{UPWARDS ARROW}")
    )
    if share < 0:
        words = f"{arrows[0]} {words}"
    elif share > 1:
        words = f"{words} {arrows[1]}"
    at = min(max(share, 0.0), 1.0)
    side = "right" if at > 0.5 else "left"
    place = (
        {"x": at, "y": 1, "xanchor": side, "yanchor": "top", "xshift": -4 if at > 0.5 else 4}
        if upright
        else {"x": 1, "y": at, "xanchor": "right", "yanchor": "top" if at > 0.5 else "bottom"}
    )
    figure.add_annotation(
        text=words,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": 12, "color": colours.text},
        **place,
    )


def _share(limit: float, ends: list[float], *, upright: bool) -> float:
    """Where a limit stands between the ends of its axis, 0 to 1 inside."""
    if upright:
        low, high, at = (math.log10(one) for one in (*ends, limit))
    else:
        low, high, at = (*ends, limit)
    return (at - low) / (high - low)
