"""A small table as HTML, in which no text from a record is markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from leaderboard.pages.controls import Go
from leaderboard.stats.intervals import Interval
from leaderboard.text import html
from leaderboard.units import MISSING


@dataclass(frozen=True, slots=True)
class Head:
    """A column."""

    text: str
    unit: str = ""
    hint: str = ""
    """Shown when it is pointed at: the formula, or what the number is."""
    number: bool = True
    """Numbers are set to the right."""
    wide: bool = False
    """Holds sentences, which get room on a narrow screen, too."""
    board: bool = False
    """Left out of files: its cells open pages that only the board has."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as text."""

    text: str
    spread: str = ""
    """Text behind a ±."""
    hint: str = ""
    """Reason for a missing value."""
    muted: bool = False
    """Shown in grey: it says little."""
    bad: bool = False
    """Shown in red: it regressed."""
    opens: Go | None = None
    """What a click on the text opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table before it is drawn."""

    caption: str
    """Basis of the numbers: where they were measured, over how many items or runs."""
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


LONG = 24
"""Characters of a column's head beyond which it breaks into lines."""


def missing(reason: str) -> Cell:
    """A cell without a value, and why."""
    return Cell(MISSING, hint=reason)


def half(interval: Interval | None) -> float | None:
    """Half the width of an interval: what stands after a ±."""
    return None if interval is None else interval.half


def text_grid(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
    """A table of texts alone."""
    return Grid(
        caption=caption,
        heads=tuple(Head(text, number=False) for text in heads),
        rows=tuple(tuple(Cell(text) for text in row) for row in rows),
    )


def as_html(grid: Grid, link: Callable[[Go], str] | None = None) -> str:
    """The table as HTML; it scrolls sideways by itself where the screen is narrow.

    Args:
        grid: the table.
        link: the address of what a cell opens, empty where it has none; None: no cell is a link.

    A reason for a missing value is in the tooltip and, for readers without a pointer, in the text
    below the table.
    """
    head = "".join(_head(one) for one in grid.heads)
    body = "".join(
        "<tr>" + "".join(_cell(h, c, link) for h, c in zip(grid.heads, row, strict=True)) + "</tr>"
        for row in grid.rows
    )
    why = dict.fromkeys(c.hint for row in grid.rows for c in row if c.text == MISSING and c.hint)
    notes = "".join(f'<p class="why">{MISSING} {html(reason)}</p>' for reason in why)
    return (
        f'<div class="grid" role="region" tabindex="0" aria-label="{html(grid.caption)}"><table>'
        f"<caption>{html(grid.caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{notes}"
    )


def _head(head: Head) -> str:
    unit = f" <small>{html(head.unit)}</small>" if head.unit else ""
    # Reached by keyboard and by touch, where no pointer shows a title.
    hint = f' title="{html(head.hint)}" tabindex="0"' if head.hint else ""
    kind = f"{_kind(head)} long" if len(head.text) > LONG else _kind(head)
    return f'<th scope="col" class="{kind}"{hint}>{html(head.text)}{unit}</th>'


def for_a_file(grid: Grid) -> Grid:
    """The table without columns that only the board has."""
    return _with(grid, [place for place, head in enumerate(grid.heads) if not head.board])


def without_empty(grid: Grid) -> Grid:
    """The table without columns in which nothing stands."""
    count = range(len(grid.heads))
    return _with(grid, [place for place in count if any(row[place].text for row in grid.rows)])


def _with(grid: Grid, kept: Sequence[int]) -> Grid:
    return replace(
        grid,
        heads=tuple(grid.heads[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in grid.rows),
    )


def _cell(head: Head, cell: Cell, link: Callable[[Go], str] | None) -> str:
    text, address = html(cell.text), link(cell.opens) if link and cell.opens else ""
    if address:
        text = f'<a href="{html(address)}" target="_self">{text}</a>'
    hint = f' title="{html(cell.hint)}"' if cell.hint else ""
    spread = f' <span class="pm">± {html(cell.spread)}</span>' if cell.spread else ""
    kind = f"{_kind(head)}{' muted' if cell.muted else ''}{' bad' if cell.bad else ''}"
    return f'<td class="{kind}"{hint}>{text}{spread}</td>'


def _kind(head: Head) -> str:
    if head.number:
        return "number"
    return "text wide" if head.wide else "text"
