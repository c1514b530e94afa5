"""Machines and method: what was measured where, what the words mean, and whose formulas."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.pages.blocks import Block, Fold, Heading, Note, Table, Text
from leaderboard.pages.history import tables
from leaderboard.pages.library import Library
from leaderboard.pages.method.glossary import CHAPTERS
from leaderboard.pages.method.lookup import term_called
from leaderboard.pages.selecting import empty
from leaderboard.rows.machines import data_sources, machines, measured
from leaderboard.rows.view import View


def page(library: Library, view: View) -> Iterator[Block]:
    """The term that was asked for; machines, builds and data of the stores; then the glossary."""
    records = library.stores().records
    yield Heading("Method", 1)
    if view.term:
        yield from _asked(view.term)
    if records:
        yield Heading("What was measured where")
        yield Table(tables.machine_grid(machines(records)))
        yield Table(tables.measured_grid(measured(records)))
        data = Table(tables.data_grid(data_sources(records)))
        yield Fold("Where the items came from, and their licences", (data,))
    else:
        yield from empty(library)
    yield Heading("Every number")
    yield Text(
        "Times and memory are those of the process that runs the model, which imports nothing of "
        "the harness. Measurements of unlike machines or builds are never ranked together; "
        "accuracy on the same items may be compared. A missing number has its reason."
    )
    for chapter in CHAPTERS:
        yield Fold(chapter.title, (Table(tables.chapter_grid(chapter)),))


def _asked(word: str) -> Iterator[Block]:
    """One term in full, as the head of a table asks for it."""
    term = term_called(word)
    if term is None:
        yield Note(f'"{word}" is no word of the glossary below', "link")
        return
    yield Heading(term.word)
    yield Text(f"{term.meaning[:1].upper()}{term.meaning[1:]}.")
    if term.formula:
        yield Text(f"Formula: {term.formula}", small=True)
    if term.source:
        yield Text(f"Source: {term.source}", small=True)
