"""Common frame of the pages' figures, and labels that fit on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from leaderboard.pages.theme import template
from leaderboard.stats.intervals import Interval
from leaderboard.text import cut, cut_middle, plotly

LINE_PX = 30
"""Height of a line of a horizontal plot."""
MOST_LABEL = 26
MOST_LEGEND = 38


def frame(*, dark: bool, height: int) -> go.Figure:
    """An empty figure in the board's colours, `height` pixels high."""
    return go.Figure(layout={"template": template(dark=dark), "height": height})


def lines_high(count: int) -> int:
    """Pixels for so many lines with an axis, its title and a legend."""
    return 96 + LINE_PX * max(count, 2)


def legend_name(text: object) -> str:
    """A name in a legend: cut in its middle to what a phone shows, and shown as written."""
    return plotly(cut_middle(text, MOST_LEGEND))


def label(text: object) -> str:
    """A name beside an axis: cut, and shown as written."""
    return plotly(cut(text, MOST_LABEL))


def name_lines(figure: go.Figure, names: Sequence[str]) -> None:
    """Name the lines of a horizontal plot, the first on top, drawn at y = 0, 1, 2 and so on.

    Numbers rather than names are the axis, so that two of one name stay two lines.
    """
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=[label(name) for name in names],
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        ticks="",
    )


def whiskers(
    values: Sequence[float], intervals: Sequence[Interval | None], colour: str
) -> dict[str, Any]:
    """Error bars from intervals in the unit of the values; none where an interval is missing."""
    pairs = list(zip(values, intervals, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, i.high - v) if i else 0.0 for v, i in pairs],
        "arrayminus": [max(0.0, v - i.low) if i else 0.0 for v, i in pairs],
        "thickness": 1.6,
        "width": 4,
        "color": colour,
    }


def scaled(interval: Interval | None, scale: Callable[[float], float]) -> Interval | None:
    """An interval in another unit: `scale` is one of `leaderboard.units`."""
    return interval and Interval(low=scale(interval.low), high=scale(interval.high))


def shade(colour: str, opacity: float) -> str:
    """A colour `#RRGGBB` with an opacity from 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
