"""The pages of the exported file: of candidates and comparisons, beside the board's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product

from leaderboard.choose.choice import Choice
from leaderboard.export.site.document import Entry
from leaderboard.export.site.drawn import Drawing
from leaderboard.export.site.names import candidate_name, pair_name
from leaderboard.export.site.overview import Judged
from leaderboard.pages.candidate.page import page as candidate_page
from leaderboard.pages.checks.page import page as checks_page
from leaderboard.pages.compare.page import page as compare_page
from leaderboard.pages.history.page import page as history_page
from leaderboard.pages.ladder.page import page as ladder_page
from leaderboard.pages.library import Library
from leaderboard.pages.machines.page import page as machines_page
from leaderboard.pages.method.page import page as method_page
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.text import html

MOST_PAGES = 60
"""Candidates that have a page of their own; of more, the others are lines of the table."""
MOST_PAIRED = 12
"""Candidates up to which every two are compared."""
Pair = tuple[Row, Row]
"""A comparison, the reference first."""


def shown(judged: Judged) -> list[Row]:
    """The candidates that have pages: what any answer names, then the best, at most MOST_PAGES."""
    named = [row for one in _choices(judged) for row in (one.row, one.other) if row is not None]
    found = {row.record.candidate.digest: row for row in (*named, *judged.ranked)}
    return list(found.values())[:MOST_PAGES]


def pairs(judged: Judged) -> list[Pair]:
    """The comparisons: every two candidates, or where they are many each with the best.

    What an answer names beside its recommendation is compared with it in any case.
    """
    rows = shown(judged)
    best = judged.ranked[:1]
    usual = combinations(rows, 2) if len(rows) <= MOST_PAIRED else product(best, rows)
    found: dict[frozenset[str], Pair] = {}
    for one, other in (*_asked(judged), *usual):
        both = frozenset(row.record.candidate.digest for row in (one, other))
        if len(both) == 2:
            found.setdefault(both, (one, other))
    return list(found.values())


def pair_names(judged: Judged) -> dict[frozenset[str], str]:
    """Digests of two candidates -> the name of their comparison's page."""
    digests = [tuple(row.record.candidate.digest for row in pair) for pair in pairs(judged)]
    return {frozenset(both): pair_name(*both) for both in digests}


def _asked(judged: Judged) -> list[Pair]:
    """What each answer recommends, and what it is held against."""
    return [(one.other, one.row) for one in _choices(judged) if one.other and one.row]


def _choices(judged: Judged) -> list[Choice]:
    return [one.choice for found in judged.found.values() for one in found.values()]


def entries(library: Library, view: View, judged: Judged, drawing: Drawing) -> Iterator[Entry]:
    """Every page but the overview.

    Args:
        library: what is shown.
        view: the conditions that the file is about.
        judged: the rows under them.
        drawing: takes the figures.
    """
    for name, title, page in (
        ("ladder", "Quantisations", ladder_page),
        ("checks", "Checks", checks_page),
        ("machines", "Machines", machines_page),
        ("history", "History", history_page),
        ("method", "Method", method_page),
    ):
        yield Entry(
            name=name, title=title, html=drawing.page(name, page(library, view)), in_menu=True
        )
    compared = pairs(judged)
    for row in shown(judged):
        digest, name = row.record.candidate.digest, candidate_name(row.record.candidate.digest)
        found = candidate_page(library, replace(view, candidates=(digest,)))
        yield Entry(
            name=name,
            title=row.record.candidate.name,
            html=drawing.page(name, found, before=_comparisons(row, compared)),
        )
    for one, other in compared:
        both = (one.record.candidate.digest, other.record.candidate.digest)
        name = pair_name(*both)
        found = compare_page(library, replace(view, candidates=both))
        yield Entry(
            name=name,
            title=f"{other.record.candidate.name} against {one.record.candidate.name}",
            html=drawing.page(name, found, before=_sides(one, other)),
        )
    rows = {row.record.candidate.name: row for row in shown(judged)}
    measured = {one.run_id: one.candidate.name for one in library.stores().records}
    for both, name in list(drawing.runs.items()):
        found = compare_page(library, replace(view, sides=both))
        sides = [rows[one] for one in dict.fromkeys(map(measured.get, both)) if one in rows]
        drawn = drawing.page(name, found, before=_sides(*sides))
        yield Entry(name=name, title="Two runs", html=drawn)


def _comparisons(row: Row, compared: Sequence[Pair]) -> str:
    """Links to the comparisons of one candidate."""
    links = [
        _link(pair_name(*(one.record.candidate.digest for one in pair)), other)
        for pair in compared
        if any(one is row for one in pair)
        for other in pair
        if other is not row
    ]
    words = f"Compare with {', '.join(links)}" if links else ""
    return f'<nav class="beyond" aria-label="Comparisons">{words}</nav>' if words else ""


def _sides(*rows: Row) -> str:
    both = " and ".join(_link(candidate_name(row.record.candidate.digest), row) for row in rows)
    return f'<nav class="beyond" aria-label="Candidates">In depth: {both}</nav>' if both else ""


def _link(name: str, row: Row) -> str:
    return f'<a href="#{html(name)}">{html(row.record.candidate.name)}</a>'
