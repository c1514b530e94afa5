"""Labels of the trade-off plot for a phone, a tablet and a screen, of which one is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What labels are placed on."""

    across: tuple[float, float]
    """Range of the horizontal axis, in powers of ten."""
    span: tuple[float, float]
    """Range of the vertical axis."""
    stairs: Sequence[tuple[float, float]]
    """Corners of a line that labels avoid, as it is drawn."""
    guessing: bool
    """A line of guessing has a note at its left end."""


def label_sets(found: Sequence[Labelled], ground: Ground) -> dict[str, Labels]:
    """Labels by class of width.

    Args:
        found: the first have the first choice of a place.
        ground: what they are placed on.
    """
    return {str(width): _labels(found, ground, width) for width in WIDTHS}


def _labels(found: Sequence[Labelled], ground: Ground, width: int) -> Labels:
    wide, high = width - _BESIDE, HEIGHT - _ABOVE_AND_BELOW

    def at(x: float, y: float) -> tuple[float, float]:
        (left, right), (low, top) = ground.across, ground.span
        share = (math.log10(max(x, 1e-9)) - left) / (right - left)
        return wide * share, high * (y - low) / (top - low)

    spots = _spots(found, at, width)
    taken = [Box(left=0, right=wide, low=high - _NOTE_HIGH, high=high)]
    if ground.guessing:
        taken.append(Box(left=0, right=150, low=0, high=2 * _NOTE_HIGH))
    lines = [(one, two) for one, two in pairwise(ground.stairs)]
    for one in found:
        if one.up:
            lines.append(((one.x, one.up.low), (one.x, one.up.high)))
        if one.across:
            lines.append(((one.across.low, one.y), (one.across.high, one.y)))
    thin = [_thin(at(*start), at(*end)) for start, end in lines]
    places = positions(spots, wide, high, taken, thin)
    return {
        one.digest: (plotly(spot.text), place)
        for one, spot, place in zip(found, spots, places, strict=True)
        if place
    }


def _spots(
    found: Sequence[Labelled], at: Callable[[float, float], tuple[float, float]], width: int
) -> list[Spot]:
    names = short_names([one.name for one in found])
    spots = []
    for number, (one, name) in enumerate(zip(found, names, strict=True)):
        x, y = at(one.x, one.y)
        text = cut_middle(name, _LETTERS[width]) if number < MOST_LABELS else ""
        spots.append(Spot(x=x, y=y, radius=one.radius, text=text))
    return spots


def _thin(start: tuple[float, float], end: tuple[float, float]) -> Box:
    """A line that is upright or level, two pixels to each side."""
    (left, right), (low, high) = (sorted(pair) for pair in zip(start, end, strict=True))
    return Box(left=left - 2, right=right + 2, low=low - 2, high=high + 2)


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
