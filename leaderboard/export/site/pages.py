"""The pages of the exported file: one for each candidate and each pair, beside the board's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from leaderboard.export.site.document import Entry
from leaderboard.export.site.drawn import Drawing
from leaderboard.export.site.names import candidate_name, pair_name
from leaderboard.pages.candidate.page import page as candidate_page
from leaderboard.pages.checks.page import page as checks_page
from leaderboard.pages.compare.page import page as compare_page
from leaderboard.pages.history.page import page as history_page
from leaderboard.pages.ladder.page import page as ladder_page
from leaderboard.pages.library import Library, Page
from leaderboard.pages.machines.page import page as machines_page
from leaderboard.pages.method.page import page as method_page
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.view import View

MOST_PAIRED = 12
"""Candidates up to which every two are compared; of more, each with the first alone."""


def pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Who is compared with whom, the reference first.

    Args:
        rows: the best first.
    """
    if len(rows) <= MOST_PAIRED:
        return list(combinations(rows, 2))
    return [(rows[0], row) for row in rows[1:]]


def entries(
    library: Library, view: View, selection: Selection, ranked: Sequence[Row], drawing: Drawing
) -> Iterator[Entry]:
    """Every page but the overview.

    Args:
        library: what is shown.
        view: the conditions that the file is about.
        selection: the rows under them.
        ranked: the same rows, the best first.
        drawing: takes the figures.
    """
    for name, title, page in (
        ("ladder", "Quantisations", ladder_page),
        ("checks", "Checks", checks_page),
        ("machines", "Machines", machines_page),
        ("history", "History", history_page),
        ("method", "Method", method_page),
    ):
        yield _entry(name, title, page, library, view, drawing, in_menu=True)
    for row in selection.rows:
        digest = row.record.candidate.digest
        looked = replace(view, candidates=(digest,))
        yield _entry(
            candidate_name(digest),
            row.record.candidate.name,
            candidate_page,
            library,
            looked,
            drawing,
        )
    for one, other in pairs(ranked):
        both = (one.record.candidate.digest, other.record.candidate.digest)
        looked = replace(view, candidates=both)
        title = f"{other.record.candidate.name} against {one.record.candidate.name}"
        yield _entry(pair_name(*both), title, compare_page, library, looked, drawing)


def _entry(
    name: str,
    title: str,
    page: Page,
    library: Library,
    view: View,
    drawing: Drawing,
    *,
    in_menu: bool = False,
) -> Entry:
    return Entry(
        name=name, title=title, html=drawing.page(name, page(library, view)), in_menu=in_menu
    )
