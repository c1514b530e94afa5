"""A small scatter plot of characters: accuracy against memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 8
ROOM_FOR_NAMES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One candidate."""

    x: float
    y: float
    name: str
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The characters of a plot."""

    chosen: str
    other: str
    guess: str
    vertical: str
    horizontal: str
    corner: str
    tick: str


UNICODE = Marks(
    chosen="◆", other="●", guess="╌", vertical="│", horizontal="─", corner="└", tick="┤"
)
ASCII = Marks(chosen="#", other="o", guess="-", vertical="|", horizontal="-", corner="+", tick="+")


def plot(
    points: Sequence[Point], *, width: int, x_label: str, guess: float | None, ascii_only: bool
) -> list[str]:
    """Lines of a plot at most this wide, with a legend; a name that has no room is left out.

    Args:
        points: at least two; y is shown as it is, in whole numbers where they differ enough.
        width: of the terminal.
        x_label: under the axis, with its unit.
        guess: a level on the y axis, drawn where it lies among the points.
        ascii_only: the encoding has no other characters.
    """
    marks = ASCII if ascii_only else UNICODE
    low, high = _span([p.y for p in points])
    labels = [f"{high - (high - low) * row / (HEIGHT - 1):.1f}" for row in range(HEIGHT)]
    margin = max(map(len, labels)) + 4
    columns = max(20, min(width, 100) - margin)
    cells = [[" "] * columns for _ in range(HEIGHT)]
    if guess is not None and low <= guess <= high:
        cells[_row(guess, low, high)] = [marks.guess] * columns
    left, right = _span([p.x for p in points])
    places = [
        (_row(p.y, low, high), _column(p.x, left, right, columns - ROOM_FOR_NAMES), p)
        for p in sorted(points, key=lambda p: p.chosen)
    ]
    for row, column, point in places:
        cells[row][column] = marks.chosen if point.chosen else marks.other
    for row, column, point in reversed(places):
        _write(cells, row, column, point.name)
    lines = [
        f"  {label:>{margin - 4}} {marks.tick if row in (0, HEIGHT - 1) else marks.vertical}"
        f"{''.join(line)}".rstrip()
        for row, (label, line) in enumerate(zip(_few(labels), cells, strict=True))
    ]
    return [*lines, *_axis(marks, margin, columns, left, right, x_label)]


def legend(*, ascii_only: bool, guess: float | None) -> str:
    """Legend of the plot's characters."""
    marks = ASCII if ascii_only else UNICODE
    level = "" if guess is None else f"  {marks.guess} random guessing {guess:.1f}"
    return f"{marks.chosen} recommended  {marks.other} other{level}"


def _few(labels: Sequence[str]) -> list[str]:
    return [text if row in (0, HEIGHT - 1) else "" for row, text in enumerate(labels)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _row(y: float, low: float, high: float) -> int:
    return round((high - y) / (high - low) * (HEIGHT - 1))


def _column(x: float, low: float, high: float, columns: int) -> int:
    return round((x - low) / (high - low) * (columns - 1))


def _write(cells: list[list[str]], row: int, column: int, name: str) -> None:
    """A name right of its mark, left of it, or above or below, wherever there is room."""
    places = [(row, column + 2), (row, column - 1 - len(name)),
              (row - 1, column), (row + 1, column)]  # fmt: skip
    for at, start in places:
        if not 0 <= at < len(cells) or start < 0 or start + len(name) > len(cells[at]):
            continue
        around = cells[at][max(0, start - 1) : start + len(name) + 1]
        own = 1 if at == row and start > column else 0
        free = around[own:] if own else around
        if all(c in " ╌-" for c in free):
            beside = at == row and start > column
            cells[at][start - beside : start + len(name)] = list(" " * beside + name)
            return


def _axis(
    marks: Marks, margin: int, columns: int, left: float, right: float, label: str
) -> list[str]:
    space = " " * (margin - 1)
    first, last = f"{left:,.0f}", f"{right:,.0f}"
    end = _column(right, left, right, columns - ROOM_FOR_NAMES) + 1
    numbers = first + " " * max(1, end - len(first) - len(last)) + last
    return [f"{space}{marks.corner}{marks.horizontal * columns}", f"{space} {numbers} {label}"]
