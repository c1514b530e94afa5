"""Place points' labels so that none lies on a point, a bar or another label, at any width.

Labels keep their size while points move apart as a drawing grows, so places are looked for at the
least width of each of a few classes, and hold up to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LETTER, _LINE = 6.9, 15.0
"""Size of a letter, in pixels, of the plots' font at 12 px, rather too large."""
_POSITIONS = {
    "middle right": (1, 0), "top center": (0, 1), "bottom center": (0, -1), "middle left": (-1, 0),
    "top right": (1, 1), "bottom right": (1, -1), "top left": (-1, 1), "bottom left": (-1, -1),
}  # fmt: skip
"""Plotly's names -> in which direction from the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A labelled point in pixels, y upwards."""

    x: float
    y: float
    radius: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels, y upwards."""

    left: float
    right: float
    low: float
    high: float

    def overlap(self, other: Box) -> float:
        """Shared area."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.high, other.high) - max(self.low, other.low)
        return wide * tall if wide > 0 and tall > 0 else 0.0


def positions(
    spots: Sequence[Spot],
    width: float,
    height: float,
    taken: Sequence[Box] = (),
    thin: Sequence[Box] = (),
) -> list[str]:
    """A position for each label, in plotly's words.

    Args:
        spots: the first have the first choice.
        width: of the drawing, in pixels; labels are kept within.
        height: likewise.
        taken: what else no label may lie on, e.g. notes.
        thin: lines and bars, on which a label lies only where it has no other place.

    Returns:
        Empty for a label that has no place: it would hide something.
    """
    blocked = [*map(_disc, spots), *taken]
    found = []
    for number, spot in enumerate(spots):
        others = [box for i, box in enumerate(blocked) if i != number]
        options = list(_boxes(spot, width, height)) if spot.text else []
        free = [(name, box) for name, box in options if not any(map(box.overlap, others))]
        clear = (pair for pair in free if not any(map(pair[1].overlap, thin)))
        best, box = next(clear, free[0] if free else ("", None))
        found.append(best)
        if box is not None:
            blocked.append(box)
    return found


def _boxes(spot: Spot, width: float, height: float) -> Iterator[tuple[str, Box]]:
    wide = _LETTER * len(spot.text)
    for name, (right, up) in _POSITIONS.items():
        # A corner's label begins where the disc's edge is at 45 degrees.
        reach = spot.radius * (0.71 if right and up else 1.0) + 2
        x = spot.x + right * (reach + wide / 2)
        y = spot.y + up * (reach + _LINE / 2)
        box = Box(left=x - wide / 2, right=x + wide / 2, low=y - _LINE / 2, high=y + _LINE / 2)
        if box.left >= 0 and box.right <= width and box.low >= 0 and box.high <= height:
            yield name, box


def _disc(spot: Spot) -> Box:
    reach = spot.radius * 0.9
    return Box(left=spot.x - reach, right=spot.x + reach, low=spot.y - reach, high=spot.y + reach)
