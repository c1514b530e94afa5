"""Tables and lines that fit a terminal: nothing is broken inside a word, nothing is over the width.

Where a table is too wide its headings go onto two lines, then columns go by their priority (and are
named under it), then names are cut in the middle.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from evals.terminal import LAYOUT, printable, unguarded, wrapped

WIDE = 160
GAP = 2
"""Spaces between columns."""
LINES = box.Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
"""A line under the headings and under a section, and spaces between columns."""
LEAST_WRAPPED = 24
"""A column of sentences is not made narrower than this."""
LEAST_CUT = 8
COLOURS = {
    "regressed": "red", "failed": "red", "interrupted": "red", "out of memory": "red",
    "over vram": "red",
    "missing": "red", "missed": "red", "thrashes": "red",
    "cannot tell": "yellow", "not tested": "yellow", "limited": "yellow", "too slow": "yellow",
    "not enforced": "yellow",
    "pass": "green", "improved": "green", "ok": "green", "fits": "green", "completed": "green",
    "ready": "green", "yes": "green", "no": "red",
}  # fmt: skip
"""A colour always stands with its word."""


class _Stdout(Console):
    """Rich's styles, with what stands between them as plain text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Leave nothing that steers a terminal to what was printed; rich's own is in `control`."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text, LAYOUT), style)


def console() -> Console:
    """Stdout, as wide as COLUMNS or the terminal says; wide where it is neither."""
    width = None
    if not os.environ.get("COLUMNS", "").isdigit():
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    return _Stdout(file=unguarded(sys.stdout), width=width, highlight=False)


def plain(text: object) -> Text:
    """Text as data: what stands in a record is never read as markup."""
    return Text(printable(str(text), LAYOUT))


def state(word: str, text: str | None = None) -> Text:
    """A word of a verdict or a status in its colour, with other text where it is part of one."""
    return Text(printable(word if text is None else text), style=COLOURS.get(word, ""))


def say(out: Console, text: object, *, indent: int = 2, style: str = "") -> None:
    """A line of prose, wrapped between words, further lines indented."""
    text = str(text)
    lead = " " * (len(text) - len(text.lstrip()))
    lines = [lead + line for line in wrapped(text, out.width - len(lead), indent - len(lead))]
    out.print(Text(printable("\n".join(lines), LAYOUT), style=style), soft_wrap=True)


def elided(text: str, width: int) -> str:
    """A name without its middle, where it is too long: `smollm2-…-q4_0`."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…"[:width]
    left = (width - 1) // 2
    tail = chop_cells(text[::-1], width - 1 - left)[0][::-1]
    head = chop_cells(text, left)[0] if left else ""
    return f"{head}…{tail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Column of a table, and how it gives way on a narrow terminal."""

    heading: str
    drop: int = 0
    """0: is never left out; else the highest goes first."""
    left: bool = False
    wrap: bool = False
    """Sentences, which go on in the next line."""


class Grid:
    """A table that fits the width in which it is printed."""

    def __init__(self, title: str, *columns: str | Column) -> None:
        self.title = title
        named = [Column(heading=c) if isinstance(c, str) else c for c in columns]
        # The first column is text, the others are numbers unless they say otherwise.
        self.columns = [replace(c, left=c.left or c.wrap or not i) for i, c in enumerate(named)]
        self.rows: list[list[Text]] = []
        self.sections: set[int] = set()

    def add_row(self, *cells: str | Text) -> None:
        """Add a row, a cell a column."""
        self.rows.append([plain(cell) if isinstance(cell, str) else cell for cell in cells])

    def add_section(self) -> None:
        """Draw a line under the rows so far."""
        self.sections.add(len(self.rows) - 1)

    def fits(self, width: int) -> bool:
        """True where all columns have room, their headings on several lines at most."""
        shown, widths = self._fit(width)
        natural = self._widths(shown, width, by_word=True)
        uncut = all(widths[i] >= natural[i] for i in shown)
        return uncut and len(shown) == len(self.columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The title, the table, and what was left out of it."""
        width = options.max_width
        if self.title:
            yield Text("\n".join(wrapped(self.title, width)), style="bold")
        shown, widths = self._fit(width)
        headed = any(column.heading for column in self.columns)
        table = Table(box=LINES, show_edge=False, pad_edge=False, header_style="bold",
                      padding=(0, 0, 0, 1), show_header=headed)  # fmt: skip
        for place in shown:
            column = self.columns[place]
            table.add_column(
                plain("\n".join(wrapped(column.heading, widths[place], 0))),
                justify="left" if column.left else "right",
                width=widths[place],
                no_wrap=True,
                overflow="ellipsis",
                vertical="top",
            )
        for number, row in enumerate(self.rows):
            table.add_row(
                *(self._cell(row[place], place, widths[place]) for place in shown),
                end_section=number in self.sections,
            )
        yield table
        gone = [c.heading for i, c in enumerate(self.columns) if i not in shown and c.heading]
        if gone:
            yield Text(
                "\n".join(wrapped(f"left out for want of width: {', '.join(gone)}", width)),
                style="dim",
            )

    def _cell(self, cell: Text, place: int, width: int) -> Text:
        if not self.columns[place].wrap:
            return Text(elided(cell.plain, width), style=cell.style)
        lines = [elided(line, width) for line in wrapped(cell.plain, width, 0)]
        return Text("\n".join(lines), style=cell.style)

    def _fit(self, width: int) -> tuple[list[int], dict[int, int]]:
        """The columns that are shown, and how wide."""
        shown = list(range(len(self.columns)))
        while True:
            for words in (False, True):
                widths = self._widths(shown, width, by_word=words)
                if sum(widths.values()) + GAP * (len(shown) - 1) <= width:
                    return shown, widths
            last = max(shown, key=lambda i: (self.columns[i].drop, i))
            if not self.columns[last].drop:
                return shown, _cut(widths, width - GAP * (len(shown) - 1))
            shown.remove(last)

    def _widths(self, shown: Sequence[int], width: int, *, by_word: bool) -> dict[int, int]:
        natural = {i: self._natural(i, by_word=by_word) for i in shown}
        flexible = [i for i in shown if self.columns[i].wrap]
        room = width - GAP * (len(shown) - 1) - sum(natural[i] for i in shown if i not in flexible)
        for number, i in enumerate(sorted(flexible, key=lambda i: natural[i])):
            share = max(LEAST_WRAPPED, room // (len(flexible) - number))
            natural[i] = min(natural[i], share)
            room -= natural[i]
        return natural

    def _natural(self, place: int, *, by_word: bool) -> int:
        heading = self.columns[place].heading
        words = heading.split() if by_word else [heading]
        cells = [cell_len(row[place].plain) for row in self.rows]
        return max([1, *cells, *(cell_len(word) for word in words)])


def _cut(widths: dict[int, int], room: int) -> dict[int, int]:
    """The widest columns narrowed until all fit."""
    widths = dict(widths)
    while sum(widths.values()) > room:
        widest = max(widths, key=lambda i: widths[i])
        if widths[widest] <= LEAST_CUT:
            break
        widths[widest] -= 1
    return widths
