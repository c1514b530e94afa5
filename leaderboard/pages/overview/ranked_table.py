"""The ranked table as HTML: heads that sort, ticks and pins, tooltips, and texts as written.

The board and the exported file show the same table; each listens to its buttons and boxes by
`data-act` (what is asked for) and `data-value` (of which column or candidate).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from leaderboard.choose.overview import Line
from leaderboard.pages.overview.cells import Cell, rank_text
from leaderboard.pages.overview.columns import Column
from leaderboard.pages.tells import Link, Tells
from leaderboard.text import html

if TYPE_CHECKING:
    from leaderboard.pages.blocks import Ranked

MOST_LINES = 200
"""More are not read on a page; the downloads have them all."""
FLAGS = "flags"
"""Key of the column whose cells each tell their own."""
SHORT = 11
"""Characters of a head up to which it stays in one line."""
MOST_TICKED = 4
"""Candidates that Compare lays side by side."""


def ranked_table(
    block: Ranked,
    link: Callable[[Line], str],
    *,
    most: int = MOST_LINES,
    terms: Link | None = None,
) -> str:
    """A table of candidates, the pinned ones on top.

    Args:
        block: what it shows.
        link: the address of a candidate's own page; empty where there is none.
        most: lines, beside the pinned ones.
        terms: the address of what a head's explanation opens; None: it opens nothing.

    Returns:
        HTML in which nothing from a record is markup.
    """
    shown = block.lines[:most]
    tells = Tells("ranked", terms)
    drawn = _Drawn(block, link, tells, _shared((*block.pinned, *shown), block.columns))
    heads = "".join(_head(column, drawn) for column in block.columns)
    name = f"candidate<small>{_asked(tells, 'candidate', '')}</small>"
    groups = groupby(shown, key=_group if block.grouped else lambda _line: 0)
    bodies = [_body("pinned", list(block.pinned), drawn)] if block.pinned else []
    bodies += [_body("", list(group), drawn) for _, group in groups]
    more = len(block.lines) - len(shown)
    rest = (
        f'<p class="more">{more:,} more: narrow the search, or download them.</p>' if more else ""
    )
    return (
        '<div class="ranked" role="region" tabindex="0" aria-label="Ranked candidates">'
        f"<table><caption>{html(block.caption)}</caption><thead><tr>"
        f'<td class="tick"></td>{_rank_head(drawn)}'
        f'<th scope="col" class="name">{name}</th>'
        f"{heads}</tr></thead>{''.join(bodies)}</table></div>{rest}"
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What every part of one table needs."""

    block: Ranked
    link: Callable[[Line], str]
    tells: Tells
    shared: Mapping[str, tuple[str, ...]]
    """Hints of several cells of a column, or of its only one, by its key: its head tells them."""


def _shared(lines: Sequence[Line], columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    found = {}
    for column in columns:
        counts = Counter(column.cell(line).hint for line in lines)
        several = 1 if len(lines) > 1 else 0
        found[column.key] = tuple(hint for hint, n in counts.items() if hint and n > several)
    return found


def _group(line: Line) -> tuple[int, bool]:
    return line.rank or 0, bool(line.reasons)


def _rank_head(drawn: _Drawn) -> str:
    told = "ascending" if not drawn.block.sort else "none"
    hint = "Among those that fit. Equal ranks: no significant difference."
    return (
        f'<th scope="col" class="rank" aria-sort="{told}"><button type="button" data-act="sort" '
        f'data-value="" title="{hint}"><span>rank</span></button>'
        f"<small>{_asked(drawn.tells, 'rank', hint)}</small></th>"
    )


def _head(column: Column, drawn: _Drawn) -> str:
    ways = {column.key: "ascending", f"-{column.key}": "descending"}
    hints = "; ".join(drawn.shared[column.key]) if column.key != FLAGS else ""
    called = f"{column.header} {column.unit}".strip()
    told = f"{column.hint} In this table: {hints}.".strip() if hints else column.hint
    sorted_so = ways.get(drawn.block.sort, "none")
    return (
        f'<th scope="col" class="{_kind(column)}{_long(column)}" aria-sort="{sorted_so}">'
        f'<button type="button" data-act="sort" data-value="{html(column.key)}" '
        f'data-first="{column.first}" title="{html(column.hint)}" aria-label="{html(called)}">'
        f"<span>{html(column.header)}</span></button>"
        f"<small>{html(column.unit)} {_asked(drawn.tells, column.header, told)}</small></th>"
    )


def _asked(tells: Tells, words: str, told: str) -> str:
    """A button that tells what a head means; nothing where nobody knows."""
    found = tells.head("?", words, told, sign=f"What is {words}?")
    return "" if found == "?" else found


def _long(column: Column) -> str:
    """A class for heads of two words, which break: `grounded answers` is wider than its numbers."""
    return " long" if len(column.header) > SHORT and " " in column.header else ""


def _kind(column: Column) -> str:
    return "number" if column.number else "text"


def _body(name: str, lines: Sequence[Line], drawn: _Drawn) -> str:
    rows = "".join(_row(line, drawn) for line in lines)
    return f'<tbody class="{name}">{rows}</tbody>'


def _row(line: Line, drawn: _Drawn) -> str:
    digest = html(line.row.record.candidate.digest)
    kind = "chosen" if line.ship else "outside" if line.reasons else ""
    cells = "".join(_cell(column, line, drawn) for column in drawn.block.columns)
    return (
        f'<tr class="{kind}" data-digest="{digest}">{_tick(line, drawn.block)}{_rank(line)}'
        f"{_name(line, drawn.block, drawn.link)}{cells}</tr>"
    )


def _tick(line: Line, block: Ranked) -> str:
    candidate = line.row.record.candidate
    on = candidate.digest in block.ticked
    state = " checked" if on else ""
    if not on and len(block.ticked) >= MOST_TICKED:
        state = f' disabled title="{MOST_TICKED} are ticked already"'
    return (
        f'<td class="tick"><label><input type="checkbox" data-act="tick" '
        f'data-value="{html(candidate.digest)}" aria-label="tick {html(candidate.name)}"{state}>'
        "</label></td>"
    )


def _rank(line: Line) -> str:
    hint = "does not fit" if line.reasons else "no accuracy"
    if line.rank is not None:
        tie = f"no significant difference between these {line.tied}"
        hint = tie if line.tied > 1 else ""
    return f'<td class="rank" title="{hint}">{rank_text(line)}</td>'


def _name(line: Line, block: Ranked, link: Callable[[Line], str]) -> str:
    candidate = line.row.record.candidate
    name, digest = html(candidate.name), html(candidate.digest)
    why = html("; ".join(reason.text for reason in line.reasons))
    pinned = any(one.row is line.row for one in block.pinned)
    to = html(link(line))
    opens = f'<a href="{to}" target="_self" data-act="open" data-value="{digest}">{name}</a>'
    return (
        f'<th scope="row" class="name"><div>{opens if to else f"<span>{name}</span>"}'
        f'<button type="button" class="pin" data-act="pin" data-value="{digest}" '
        f'aria-pressed="{str(pinned).lower()}" aria-label="pin {name}" title="Keep on top">'
        f'{_PIN}</button></div><div class="why">{why}</div></th>'
    )


_PIN = (
    '<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">'
    '<path d="M5 1h6v1.2l-1 .8v4l2 2v1.4H8.7V15h-1.4v-4.6H4V9l2-2V3l-1-.8z"/></svg>'
)


def _cell(column: Column, line: Line, drawn: _Drawn) -> str:
    cell: Cell = column.cell(line)
    value = column.value(line)
    kind = _kind(column) + (" muted" if cell.muted else "")
    spread = f' <span class="pm">\N{PLUS-MINUS SIGN} {html(cell.spread)}</span>'
    hint = f' title="{html(cell.hint)}"' if cell.hint else ""
    text = html(cell.text)
    flags = column.key == FLAGS
    if flags and cell.text:
        text = f'<span class="flag">{text}</span>'
    # What only this cell has to say is reached without a pointer, too; the rest is in the head.
    if cell.text and cell.hint and (flags or cell.hint not in drawn.shared[column.key]):
        text = drawn.tells.button(text, html(cell.hint))
    sorts = "" if value is None else html(value)
    return (
        f'<td class="{kind}"{hint} data-value="{sorts}">{text}{spread if cell.spread else ""}</td>'
    )
