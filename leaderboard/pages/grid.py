"""A small table as HTML, in which no text from a record is markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from leaderboard.pages.controls import Go
from leaderboard.pages.tells import Link, Tells
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
    ways: bool = False
    """Holds ways to other pages alone; a file that has none of them leaves it out."""


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
    names: tuple[str, ...] = ()
    """Names of the lines in an address, which are unique on a page; empty: they have none."""


_JOINT = re.compile(r"_(?=[A-Za-z]{2})")
"""Joint behind which a long name may break: in `basic_skills`, and not in `q4_0`."""
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


def as_html(grid: Grid, link: Link | None = None, place: str = "") -> str:
    """The table as HTML; it scrolls sideways by itself where the screen is narrow.

    Args:
        grid: the table.
        link: the address of what a cell or an explanation opens, empty where it has none; None:
            nothing is a link.
        place: tells it from tables that are alike elsewhere in the document.

    A head that has something to tell is a button. A reason for a missing value, or for several
    values, is in the text below the table, that of one value behind a button.
    """
    tells = Tells(f"{place} {grid!r}", link)
    hints = Counter(cell.hint for row in grid.rows for cell in row if cell.text != MISSING)
    shared = [hint for hint, count in hints.items() if hint and count > 1]
    alone = frozenset(hint for hint, count in hints.items() if hint and count == 1)
    head = "".join(_head(one, tells) for one in grid.heads)
    body = "".join(
        f"<tr{_name(grid, number)}>"
        + "".join(_cell(h, c, tells, alone) for h, c in zip(grid.heads, row, strict=True))
        + "</tr>"
        for number, row in enumerate(grid.rows)
    )
    why = dict.fromkeys(c.hint for row in grid.rows for c in row if c.text == MISSING and c.hint)
    notes = [*(f"{MISSING} {reason}" for reason in why), *shared]
    return (
        f'<div class="grid" role="region" tabindex="0" aria-label="{html(grid.caption)}">'
        f'<p class="caption">{html(grid.caption)}</p><table>'
        f"<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
        + "".join(f'<p class="why">{html(note)}</p>' for note in notes)
    )


def _name(grid: Grid, number: int) -> str:
    return f' id="{html(grid.names[number])}"' if grid.names else ""


def _head(head: Head, tells: Tells) -> str:
    unit = f" <small>{html(head.unit)}</small>" if head.unit else ""
    kind = f"{_kind(head)} long" if len(head.text) > LONG else _kind(head)
    told = tells.head(html(head.text), head.text, head.hint)
    return f'<th scope="col" class="{kind}">{told}{unit}</th>'


def for_a_file(grid: Grid, link: Link) -> Grid:
    """The table without columns of nothing but ways to pages that the file has not."""
    columns = list(enumerate(zip(*grid.rows, strict=True)))
    leads = {place for place, cells in columns if any(c.opens and link(c.opens) for c in cells)}
    return _with(grid, [n for n, head in enumerate(grid.heads) if not head.ways or n in leads])


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


def _cell(head: Head, cell: Cell, tells: Tells, alone: Collection[str]) -> str:
    text = _JOINT.sub("_<wbr>", html(cell.text))
    address = tells.link(cell.opens) if tells.link and cell.opens else ""
    if address:
        text = f'<a href="{html(address)}" target="_self">{text}</a>'
    elif cell.text not in ("", MISSING) and cell.hint in alone:
        text = tells.button(text, html(cell.hint))
    hint = f' title="{html(cell.hint)}"' if cell.hint else ""
    spread = f' <span class="pm">± {html(cell.spread)}</span>' if cell.spread else ""
    kind = f"{_kind(head)}{' muted' if cell.muted else ''}{' bad' if cell.bad else ''}"
    return f'<td class="{kind}"{hint}>{text}{spread}</td>'


def _kind(head: Head) -> str:
    if head.number:
        return "number"
    return "text wide" if head.wide else "text"
