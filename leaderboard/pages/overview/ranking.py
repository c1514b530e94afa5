"""The ranked table with what is done with it: search, columns, ticks, pins, files to take along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from leaderboard.choose.overview import Line, Overview
from leaderboard.pages.blocks import Bar, Block, Code, Popover, Ranked, Text, WholeBoard
from leaderboard.pages.controls import Changes, Download, Go, PickSeveral, Reset, Search
from leaderboard.pages.overview.columns import (
    Column,
    arrange,
    known_columns,
    next_sort,
    shown_columns,
)
from leaderboard.pages.overview.ranked_table import MOST_TICKED
from leaderboard.pages.overview.search import EXAMPLE
from leaderboard.pages.overview.typeset import markdown
from leaderboard.publish.files import as_bytes, table_of
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.row import Row
from leaderboard.rows.view import View

FILES = {"csv": "text/csv", "json": "application/json", "parquet": "application/octet-stream"}


def ranking(found: Overview, view: View, measured: str) -> Iterator[Block]:
    """The table below a row of controls.

    Args:
        found: the rows as they were judged.
        view: search, order, columns, ticks and pins.
        measured: what the numbers are of, a sentence for the Markdown.
    """
    rows = [line.row for line in found.lines]
    known = known_columns(rows, view)
    lines = arrange(found.lines, known, view.sort, view.search)
    pinned = tuple(line for line in found.lines if _digest(line) in view.pins)
    columns = tuple(shown_columns(known, view.columns, rows))
    digests = {_digest(line) for line in found.lines}
    # In the order in which they were ticked: the first is the reference.
    ticked = tuple(one for one in view.candidates if one in digests)[:MOST_TICKED]
    notes = (found.claim, found.certainty, measured)
    yield Bar(
        (
            _search(view),
            _columns(known, view, rows),
            Popover("Take along", tuple(_files(lines, columns, notes))),
            *_compare(ticked, view),
        )
    )
    yield Ranked(
        lines=tuple(line for line in lines if line not in pinned),
        columns=columns,
        caption=f"{len(lines)} of {len(found.lines)} candidates \N{MIDDLE DOT} "
        f"{machine_name(rows[0].record)}",
        opens=opens,
        sort=view.sort if view.sort.removeprefix("-") in known else "",
        sorts=lambda key: {"sort": next_sort(view.sort, known.get(key))},
        ticked=ticked,
        ticks=lambda digest: _ticks(digest, ticked),
        pinned=pinned,
        pins=lambda digest: {"pins": _toggled(digest, view.pins)},
    )


def opens(digest: str) -> Go:
    """A candidate's own page."""
    return Go(label="open", page="candidate", changes={"candidates": (digest,), "run": ""})


def _digest(line: Line) -> str:
    return line.row.record.candidate.digest


def _toggled(digest: str, among: Sequence[str]) -> tuple[str, ...]:
    """The others, and it where it was not among them."""
    rest = tuple(one for one in among if one != digest)
    return rest if len(rest) < len(among) else (*rest, digest)


def _ticks(digest: str, ticked: Sequence[str]) -> Changes:
    """The first that was ticked stays the reference; a fifth is not taken."""
    return {"candidates": _toggled(digest, ticked)[:MOST_TICKED]}


def _search(view: View) -> Search:
    return Search(
        name="search",
        label="Search",
        chosen=view.search,
        changes=lambda words: {"search": words},
        example=EXAMPLE,
    )


def _columns(known: dict[str, Column], view: View, rows: Sequence[Row]) -> Popover:
    usual = tuple(one.key for one in shown_columns(known, (), rows)[1:])
    box = PickSeveral(
        name="columns",
        label="Columns",
        options={key: one.header for key, one in known.items() if key != "accuracy"},
        chosen=tuple(one.key for one in shown_columns(known, view.columns, rows)[1:]),
        changes=lambda picked: {"columns": () if picked in (usual, ()) else picked},
    )
    return Popover("Columns", (box,))


def _files(
    lines: Sequence[Line], columns: Sequence[Column], notes: Sequence[str]
) -> Iterator[Block]:
    """The lines that are shown, in their order: as files, and as Markdown to copy."""
    for kind, mime in FILES.items():
        yield Download(
            label=kind.upper() if kind != "parquet" else "Parquet",
            file=f"weighin.{kind}",
            mime=mime,
            content=partial(_file, lines, kind),
            possible=bool(lines),
        )
    yield WholeBoard()
    yield Text("As Markdown, with the columns that are shown:", small=True)
    yield Code(markdown(lines, columns, notes))


def _file(lines: Sequence[Line], kind: str) -> bytes:
    return as_bytes(table_of(flat_lines(lines)), kind)


def _compare(ticked: Sequence[str], view: View) -> Iterator[Block]:
    """A button to Compare with those that are ticked; a way to take ticks and pins off."""
    label = f"Compare {len(ticked)} ticked" if len(ticked) > 1 else "Compare: tick two to four"
    changes = {"candidates": tuple(ticked)}
    yield Go(label=label, page="compare", changes=changes, possible=len(ticked) > 1)
    if ticked or view.pins:
        yield Reset("Clear ticks and pins", ("candidates", "pins"), "clear")
