"""Export the judged board: a page, a table for a text, a badge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import click

from evals.errors import RecordError
from runners.cli.computers import presets
from runners.cli.weights import Weights, check_measured
from runners.compute.budget import Budget, find_budget

if TYPE_CHECKING:
    from leaderboard.choose.overview import Overview
    from leaderboard.pages.library import Library
    from leaderboard.rows.selection import Selection
    from leaderboard.rows.view import View

JUDGED = ("html", "markdown", "latex", "badge")


def judged_text(
    root: Path, kind: str, output: Path | None, query: str, budgets: Sequence[str],
    weights: Weights = (),
) -> str:  # fmt: skip
    """The file's content.

    Args:
        root: folder of the store.
        kind: one of JUDGED.
        output: where it goes; a badge is an SVG where the name ends so, else JSON.
        query: what stands in a board's address after the `?`; empty: its default.
        budgets: names or files; html offers each, the others take the memory of the one.
        weights: of abilities in the accuracy, instead of the query's.

    Raises:
        RecordError: there is nothing to judge.
        SpecError: a budget is unknown or wrong.
        click.UsageError: the query or the number of budgets is wrong.
    """
    from leaderboard.pages.stored import StoredLibrary

    view = _view(query)
    view = replace(view, ability_weights=weights) if weights else view
    found = [find_budget(name) for name in budgets]
    library = StoredLibrary([root], presets(found))
    selected = library.selected(view)
    if selected is not None:
        check_measured(view.ability_weights, selected.rows)
    if kind == "html":
        from leaderboard.export.site.write import site

        return site(library, view)
    if len(found) > 1:
        raise click.UsageError(f"--format {kind} takes one --budget, {len(found)} were given")
    selection, overview = _overview(library, _inside(view, found))
    if kind == "badge":
        from leaderboard.export import badge

        svg = output is not None and output.suffix.lower() == ".svg"
        return badge.svg(overview) if svg else badge.endpoint(overview)
    return table_text(selection, overview, kind, view)


def _view(query: str) -> View:
    from leaderboard.rows.address import read_query

    view, problems = read_query(parse_qs(query.lstrip("?"), keep_blank_values=True))
    if problems:
        raise click.UsageError(f"--view: {'; '.join(problems)}")
    return view


def _inside(view: View, budgets: Sequence[Budget]) -> View:
    from leaderboard.units import mib

    memory = next((one.memory_bytes for one in budgets), None)
    return view if memory is None else replace(view, limits=view.limits_with("memory", mib(memory)))


def _overview(library: Library, view: View) -> tuple[Selection, Overview]:
    selection = library.selected(view)
    if selection is None:
        folders = ", ".join(library.folders())
        raise RecordError(f"store {folders}: no record can be read; is it the right --store?")
    return selection, library.overview(selection, view)


def table_text(selection: Selection, found: Overview, kind: str, view: View) -> str:
    """The judged table as Markdown or LaTeX, the answer above it."""
    from leaderboard.pages.overview import typeset
    from leaderboard.pages.overview.columns import known_columns, shown_columns
    from leaderboard.pages.overview.page import measured

    usual = shown_columns(known_columns([line.row for line in found.lines], view), ())
    columns = [one for one in usual if any(one.cell(line).text for line in found.lines)]
    said = (found.claim, found.certainty, *found.answer.nexts, measured(selection))
    notes = [note for note in said if note]
    return (typeset.markdown if kind == "markdown" else typeset.latex)(found.lines, columns, notes)
