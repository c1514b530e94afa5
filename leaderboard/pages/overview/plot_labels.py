"""Labels of the trade-off plot for a phone, a tablet and a screen, of which one is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboard.pages.overview.label_places import Box, Spot, positions
from leaderboard.rows.names import short_names
from leaderboard.stats.intervals import Interval
from leaderboard.text import cut_middle, plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 480
WIDTHS = (320, 640, 1080)
"""Least widths of a figure, in pixels, for which labels are placed."""
USUAL_WIDTH = WIDTHS[-1]
MOST_LABELS = 40
_BESIDE, _ABOVE_AND_BELOW = 60, 105
"""Pixels that the axes, their titles and the legend take."""
_LETTERS = {320: 18, 640: 24, 1080: 32}
_NOTE_HIGH = 20
"""Height of a limit's note along the top, and of the note of guessing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A point that wants a label; numbers as they are shown."""

    digest: str
    name: str
    x: float
    y: float
    radius: float
    across: Interval | None
    up: Interval | None


Labels = Mapping[str, tuple[str, str]]
"""Digest -> what its label says, escaped, and where it stands, in plotly's words."""


def label_sets(
    found: Sequence[Labelled],
    across: tuple[float, float],
    span: tuple[float, float],
    guessing: bool,
) -> dict[str, Labels]:
    """Labels by class of width.

    Args:
        found: the first have the first choice of a place.
        across: range of the horizontal axis, in powers of ten.
        span: of the vertical axis.
        guessing: whether a line of guessing has a note at its left end.
    """
    return {str(width): _labels(found, across, span, width, guessing) for width in WIDTHS}


def _labels(
    found: Sequence[Labelled],
    across: tuple[float, float],
    span: tuple[float, float],
    width: int,
    guessing: bool,
) -> Labels:
    wide, high = width - _BESIDE, HEIGHT - _ABOVE_AND_BELOW

    def at_x(value: float) -> float:
        return wide * (math.log10(max(value, 1e-9)) - across[0]) / (across[1] - across[0])

    def at_y(value: float) -> float:
        return high * (value - span[0]) / (span[1] - span[0])

    names = short_names([one.name for one in found])
    spots = [
        Spot(
            x=at_x(one.x),
            y=at_y(one.y),
            radius=one.radius,
            text=cut_middle(name, _LETTERS[width]) if number < MOST_LABELS else "",
        )
        for number, (one, name) in enumerate(zip(found, names, strict=True))
    ]
    taken = [Box(left=0, right=wide, low=high - _NOTE_HIGH, high=high)]
    thin = []
    if guessing:
        taken.append(Box(left=0, right=150, low=0, high=at_y(span[0]) + 2 * _NOTE_HIGH))
    for one, spot in zip(found, spots, strict=True):
        if one.up:
            low, top = at_y(one.up.low), at_y(one.up.high)
            thin.append(Box(left=spot.x - 2, right=spot.x + 2, low=low, high=top))
        if one.across:
            left, right = at_x(one.across.low), at_x(one.across.high)
            thin.append(Box(left=left, right=right, low=spot.y - 2, high=spot.y + 2))
    places = positions(spots, wide, high, taken, thin)
    return {
        one.digest: (plotly(spot.text), place)
        for one, spot, place in zip(found, spots, places, strict=True)
        if place
    }


def fit_labels(figure: go.Figure, width: int) -> go.Figure:
    """Write a figure's labels for the width at hand onto its points.

    Args:
        figure: of `tradeoff`; one without label sets stays as it is.
        width: pixels.
    """
    sets = (figure.layout.meta or {}).get("labels")
    if sets is None:
        return figure
    chosen = sets[str(max((one for one in WIDTHS if one <= width), default=WIDTHS[0]))]
    for trace in figure.data:
        if trace.customdata is None:
            continue
        found = [chosen.get(digest, ("", "middle center")) for digest in trace.customdata]
        trace.text = [text for text, _ in found]
        trace.textposition = [place for _, place in found]
    return figure
