"""The ranked table as HTML: ties as groups, tooltips, and text from records shown as written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from leaderboard.choose.overview import Line
from leaderboard.pages.overview.cells import Cell, rank_text
from leaderboard.pages.overview.columns import Column
from leaderboard.text import html

MOST_LINES = 200
"""More are not read on a page; the downloads have them all."""


def ranked_table(
    lines: Sequence[Line],
    columns: Sequence[Column],
    *,
    grouped: bool,
    link: Callable[[Line], str],
    caption: str,
) -> str:
    """A table of candidates.

    Args:
        lines: in order.
        columns: after rank and name.
        grouped: whether the lines are in order of rank, so that those of one rank form a group.
        link: the address of a candidate's own page.
        caption: what was measured, and where.

    Returns:
        HTML of at most MOST_LINES lines, in which nothing from a record is markup.
    """
    shown = lines[:MOST_LINES]
    head = "".join(_header(column) for column in columns)
    groups = groupby(shown, key=_group if grouped else id)
    body = "".join(_rows(list(group), columns, link) for _, group in groups)
    more = len(lines) - len(shown)
    rest = (
        f'<p class="more">{more:,} more: narrow the search, or download them.</p>' if more else ""
    )
    return (
        '<div class="ranked" role="region" tabindex="0" aria-label="Ranked candidates">'
        f"<table><caption>{html(caption)}</caption><thead><tr>"
        f'<th scope="col" title="Among those that fit. Equal numbers cannot be told apart.">rank'
        f'</th><th scope="col" class="name">candidate</th>{head}</tr></thead>{body}</table></div>'
        f"{rest}"
    )


def _group(line: Line) -> tuple[int, bool]:
    return line.rank or 0, bool(line.reasons)


def _header(column: Column) -> str:
    unit = f"<small>{html(column.unit)}</small>" if column.unit else ""
    kind = "number" if column.number else "text"
    return (
        f'<th scope="col" class="{kind}" title="{html(column.hint)}">{html(column.header)} {unit}'
        "</th>"
    )


def _rows(lines: Sequence[Line], columns: Sequence[Column], link: Callable[[Line], str]) -> str:
    found = []
    for number, line in enumerate(lines):
        cells = "".join(_cell(column, column.cell(line)) for column in columns)
        classes = "outside" if line.reasons else ""
        if line.ship:
            classes = "chosen"
        found.append(
            f'<tr class="{classes}">{_rank(line, len(lines)) if not number else ""}'
            f"{_name(line, link)}{cells}</tr>"
        )
    return f"<tbody>{''.join(found)}</tbody>"


def _rank(line: Line, size: int) -> str:
    hint = "does not fit" if line.reasons else "no accuracy"
    if line.rank is not None:
        tie = f"no significant difference between these {line.tied}"
        hint = tie if line.tied > 1 else ""
    return (
        f'<th scope="rowgroup" class="rank" rowspan="{size}" title="{hint}">{rank_text(line)}</th>'
    )


def _name(line: Line, link: Callable[[Line], str]) -> str:
    name = html(line.row.record.candidate.name)
    why = "; ".join(reason.text for reason in line.reasons)
    reasons = f'<div class="why">{html(why)}</div>' if why else ""
    return (
        f'<th scope="row" class="name"><a href="{html(link(line))}" target="_self">{name}</a>'
        f"{reasons}</th>"
    )


def _cell(column: Column, cell: Cell) -> str:
    kind = ("number" if column.number else "text") + (" muted" if cell.muted else "")
    spread = f' <span class="pm">\N{PLUS-MINUS SIGN} {html(cell.spread)}</span>'
    hint = f' title="{html(cell.hint)}"' if cell.hint else ""
    text = html(cell.text)
    if column.key == "flags" and cell.text:
        text = f'<span class="flag">{text}</span>'
    return f'<td class="{kind}"{hint}>{text}{spread if cell.spread else ""}</td>'
