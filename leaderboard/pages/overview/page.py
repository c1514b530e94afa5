"""Overview: which one do I ship?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import partial

from leaderboard.choose.answer import WORDS
from leaderboard.choose.overview import Line, Overview
from leaderboard.pages.blocks import (
    Answer,
    Bar,
    Beside,
    Block,
    Code,
    Figure,
    Heading,
    Popover,
    Ranked,
    Sidebar,
    Text,
)
from leaderboard.pages.checks.alarms import alarms
from leaderboard.pages.controls import Download, Go, Pick, PickSeveral, Search
from leaderboard.pages.library import Library
from leaderboard.pages.overview.columns import Column, arrange, known_columns, shown_columns
from leaderboard.pages.overview.filters import filters, presets
from leaderboard.pages.overview.search import EXAMPLE
from leaderboard.pages.overview.tradeoff import bubble_axis, tradeoff, unplotted
from leaderboard.pages.overview.typeset import markdown
from leaderboard.pages.overview.use import use, verify
from leaderboard.pages.selecting import NOBODY, selected
from leaderboard.publish.files import as_bytes, table_of
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.conditions import build_name, machine_in_full, machine_name
from leaderboard.rows.guessing import shared_level
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import labels
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.shown import axes_of
from leaderboard.rows.view import View, task_weights
from leaderboard.text import cut, plain

FILES = {"csv": "text/csv", "json": "application/json", "parquet": "application/octet-stream"}
MOST_COMPARED = 4


def page(library: Library, view: View) -> Iterator[Block]:
    """Limits, the answer, the trade-off plot, the ranked table."""
    selection = yield from selected(library, view)
    if selection is None:
        return
    yield Sidebar(tuple(filters(selection.rows, view)))
    yield from presets(library.presets(), view)
    yield Pick(
        name="prefer",
        label="Of those that tie, ship the",
        options={str(name): words for name, words in WORDS.items()},
        chosen=view.prefer,
        changes=lambda value: {"prefer": value},
        buttons=True,
    )
    found = library.overview(selection, view)
    yield from alarms(library, [row.record.candidate.name for row in selection.rows])
    yield answer(found, selection)
    yield from _then(found, view)
    yield from _plot(found, view)
    yield from _table(found, view, selection)
    yield Heading("Measure another model", 3)
    yield Text(
        "MODEL is a path, a name of `weighin list candidates`, or org/name#file.gguf of the Hub.",
        small=True,
    )
    yield Code(_measure(selection, view))


def answer(found: Overview, selection: Selection) -> Answer:
    """The recommendation, with what it rests on."""
    return Answer(
        claim=found.claim,
        certainty=found.certainty,
        nexts=found.answer.nexts,
        basis=f"{found.basis} {measured(selection)}",
    )


def _then(found: Overview, view: View) -> Iterator[Block]:
    """What one does next with the recommendation: use it, verify it, see why."""
    row = found.choice.row
    if row is None:
        return
    candidate = row.record.candidate
    parts: list[Block] = [
        Popover("Verify it", tuple(verify(candidate, view.limit("memory")))),
    ]
    if how := tuple(use(candidate)):
        parts.insert(0, Popover("Use it", how))
    if found.choice.other is not None:
        other = found.choice.other.record.candidate
        changes = {"candidates": (other.digest, candidate.digest)}
        label = f"Why? Against {cut(other.name, 40)}"
        parts.append(Go(label=label, page="compare", changes=changes))
    yield Bar(tuple(parts))


def measured(selection: Selection) -> str:
    """Suite, machine and builds that the numbers are of, in a sentence."""
    record = selection.rows[0].record
    builds = dict.fromkeys(build_name(row.record) for row in selection.rows)
    return (
        f"Suite {record.suite.name} (version {record.suite.version}) on "
        f"{machine_in_full(record)}, measured with {'; '.join(builds)}."
    )


def opens(digest: str) -> Go:
    """A candidate's own page."""
    return Go(label="open", page="candidate", changes={"candidates": (digest,), "run": ""})


def _plot(found: Overview, view: View) -> Iterator[Block]:
    shown = axes_of([line.row for line in found.lines], view.x)
    yield Pick(
        name="x",
        label="Accuracy against",
        options={name: METRICS[name].words for name in shown},
        chosen=view.x,
        changes=lambda value: {"x": value},
        buttons=True,
    )
    guessing = shared_level([line.row for line in found.lines], task_weights(view))
    yield Figure(
        "tradeoff",
        lambda dark: tradeoff(found.lines, view.x, guessing=guessing, dark=dark),
        f"Accuracy against {METRICS[view.x].axis_title}, a bubble a candidate. The table below has "
        "the same numbers.",
        opens=opens,
    )
    yield Text(_legend(view.x, unplotted(found.lines, view.x)), small=True)


def _legend(x: str, absent: Sequence[Line]) -> str:
    words = (
        f"Bubble: {METRICS[bubble_axis(x)].axis_title}. Percentages: probability of being "
        "Pareto-optimal: nothing else that fits is as good in accuracy, speed and memory. "
        "Bars: 95% intervals, of accuracy over items, of times and memory over process runs. "
        "A click opens the candidate."
    )
    if not absent:
        return words
    names = ", ".join(cut(one.row.record.candidate.name, 40) for one in absent)
    return f"{words} Not plotted (no accuracy, speed or memory): {names}."


def _table(found: Overview, view: View, selection: Selection) -> Iterator[Block]:
    rows = [line.row for line in found.lines]
    known = known_columns(rows)
    yield _arrangement(known, view, rows)
    lines = arrange(found.lines, known, view.sort, view.search)
    columns = tuple(shown_columns(known, view.columns, rows))
    yield Ranked(
        lines=tuple(lines),
        columns=columns,
        grouped=not view.sort,
        caption=f"{len(lines)} of {len(rows)} candidates \N{MIDDLE DOT} "
        f"{machine_name(rows[0].record)}",
        opens=opens,
    )
    notes = (found.claim, found.certainty, measured(selection))
    copied = Code(markdown(lines, columns, notes))
    yield Bar((*_downloads(lines), Popover("Markdown", (copied,)), _compare(found, view)))


def _measure(selection: Selection, view: View) -> str:
    """The command that puts another model beside these."""
    suite = shlex.quote(plain(selection.rows[0].record.suite.name))
    memory = view.limit("memory")
    inside = "" if memory is None else f" --memory {memory:.0f}MiB"
    return f"weighin run MODEL --suite {suite}{inside}"


def _arrangement(known: dict[str, Column], view: View, rows: Sequence[Row]) -> Beside:
    """Search, order and columns."""
    search = Search(
        name="search",
        label="Search",
        chosen=view.search,
        changes=lambda words: {"search": words},
        example=EXAMPLE,
    )
    orders = ["", *(f"{sign}{key}" for key in known for sign in ("", "-"))]
    sort = Pick(
        name="sort",
        label="Sort by",
        options={order: _order(order, known) for order in orders},
        chosen=view.sort if view.sort in orders else "",
        changes=lambda order: {"sort": order},
    )
    usual = tuple(one.key for one in shown_columns(known, (), rows)[1:])
    columns = PickSeveral(
        name="columns",
        label="Columns",
        options={key: one.header for key, one in known.items() if key != "accuracy"},
        chosen=tuple(one.key for one in shown_columns(known, view.columns, rows)[1:]),
        changes=lambda picked: {"columns": () if picked in (usual, ()) else picked},
    )
    return Beside(((search,), (sort,), (Popover("Columns", (columns,)),)), (2, 1.4, 1), "bottom")


def _order(order: str, known: dict[str, Column]) -> str:
    if not order:
        return "rank"
    way = "descending" if order.startswith("-") else "ascending"
    return f"{known[order.removeprefix('-')].header}, {way}"


def _downloads(lines: Sequence[Line]) -> Iterator[Download]:
    for kind, mime in FILES.items():
        yield Download(
            label=kind.upper() if kind != "parquet" else "Parquet",
            file=f"weighin.{kind}",
            mime=mime,
            content=partial(_file, lines, kind),
            possible=bool(lines),
        )


def _file(lines: Sequence[Line], kind: str) -> bytes:
    return as_bytes(table_of(flat_lines(lines)), kind)


def _compare(found: Overview, view: View) -> Popover:
    names = labels([line.row.record for line in found.lines])
    picked = tuple(one for one in view.candidates if one in names)[:MOST_COMPARED]
    box = PickSeveral(
        name="compared",
        label="Two to four candidates; the first is the reference",
        options=names,
        chosen=picked,
        changes=lambda digests: {"candidates": digests},
        most=MOST_COMPARED,
    )
    changes = {"candidates": picked or (NOBODY,)}
    button = Go(label="Compare them", page="compare", changes=changes, possible=len(picked) > 1)
    return Popover("Compare", (box, button))
