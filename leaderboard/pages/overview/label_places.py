"""Place bubbles' labels so that none lies on another bubble or label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LETTER, _LINE = 7.2, 15.0
"""Size of a letter, in pixels, of the plots' font at 12 px, rather too large."""
_POSITIONS = {
    "middle right": (1, 0), "top center": (0, 1), "bottom center": (0, -1), "middle left": (-1, 0),
    "top right": (1, 1), "bottom right": (1, -1), "top left": (-1, 1), "bottom left": (-1, -1),
}  # fmt: skip
"""Plotly's names -> in which direction from the bubble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A labelled disc in pixels, y upwards."""

    x: float
    y: float
    radius: float
    text: str


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    right: float
    low: float
    high: float

    def overlap(self, other: _Box) -> float:
        """Shared area."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.high, other.high) - max(self.low, other.low)
        return wide * tall if wide > 0 and tall > 0 else 0.0


def positions(bubbles: Sequence[Bubble], width: float, height: float) -> list[str]:
    """A position for each label, in plotly's words.

    Args:
        bubbles: the first have the first choice.
        width: of the drawing, in pixels; labels are kept within.
        height: likewise.

    Returns:
        Empty for a label that has no place: it would hide another.
    """
    taken = [_disc(bubble) for bubble in bubbles]
    found = []
    for number, bubble in enumerate(bubbles):
        others = [box for i, box in enumerate(taken) if i != number]
        options = list(_boxes(bubble, width, height)) if bubble.text else []
        free = (name for name, box in options if not any(map(box.overlap, others)))
        best = next(free, "")
        found.append(best)
        if best:
            taken.append(dict(options)[best])
    return found


def _boxes(bubble: Bubble, width: float, height: float) -> Iterator[tuple[str, _Box]]:
    wide = _LETTER * len(bubble.text)
    for name, (right, up) in _POSITIONS.items():
        # A corner's label begins where the disc's edge is at 45 degrees.
        reach = bubble.radius * (0.71 if right and up else 1.0) + 2
        x = bubble.x + right * (reach + wide / 2)
        y = bubble.y + up * (reach + _LINE / 2)
        box = _Box(x - wide / 2, x + wide / 2, y - _LINE / 2, y + _LINE / 2)
        if box.left >= 0 and box.right <= width and box.low >= 0 and box.high <= height:
            yield name, box


def _disc(bubble: Bubble) -> _Box:
    reach = bubble.radius * 0.9
    return _Box(bubble.x - reach, bubble.x + reach, bubble.y - reach, bubble.y + reach)
