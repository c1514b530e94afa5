"""Overview: which one do I ship?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from leaderboard.choose.answer import WORDS
from leaderboard.choose.overview import Line, Overview
from leaderboard.pages.blocks import Answer, Bar, Block, Code, Figure, Heading, Popover, Text
from leaderboard.pages.checks.alarms import alarms, failed_check
from leaderboard.pages.contexts.cost import ranked_cost
from leaderboard.pages.controls import Go, Pick
from leaderboard.pages.library import Library
from leaderboard.pages.overview.filters import filters, presets
from leaderboard.pages.overview.ranking import opens, ranking
from leaderboard.pages.overview.search import fields, matches
from leaderboard.pages.overview.tradeoff import tradeoff, unplotted
from leaderboard.pages.overview.use import use, verify
from leaderboard.pages.overview.what_counts import what_counts
from leaderboard.pages.presets import offered
from leaderboard.pages.selecting import selected
from leaderboard.rows.abilities import abilities, counted, task_weights
from leaderboard.rows.conditions import build_name, conditions, machine_in_full
from leaderboard.rows.guessing import shared_level
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.shown import axes_of
from leaderboard.rows.view import View
from leaderboard.text import cut, plain


def page(library: Library, view: View) -> Iterator[Block]:
    """Limits, the answer, the trade-off plot, the ranked table."""
    selection = yield from selected(library, view)
    if selection is None:
        return
    prefer = Pick(
        name="prefer",
        label="Of those that tie, ship the",
        options={str(name): words for name, words in WORDS.items()},
        chosen=view.prefer,
        changes=lambda value: {"prefer": value},
        buttons=True,
    )
    computers = presets(offered(library.presets(), selection.rows), view, selection.rows)
    counts = what_counts(selection.rows, view, _of_machine(library, selection))
    yield Bar((*computers, prefer, counts))
    yield from filters(selection.rows, view)
    found = library.overview(selection, view)
    yield from alarms(library, [row.record.candidate.name for row in selection.rows])
    yield answer(found, selection, failed_check(library, found.choice.row))
    yield from _then(found, view)
    yield from _plot(found, view)
    yield from ranking(found, view, measured(selection))
    yield from ranked_cost([line.row for line in found.lines])
    yield Heading("Measure another model", 3)
    yield Text(
        "MODEL is a path, a name of `weighin list candidates`, or org/name#file.gguf of the Hub.",
        small=True,
    )
    yield Code(_measure(selection, view))
    asked = {"on_suite": selection.rows[0].record.suite.name}
    yield Go(label="Write the command for a model of yours", page="measure", changes=asked)


def _of_machine(library: Library, selection: Selection) -> list[Row]:
    """Rows of all suites that were measured where these were."""
    shared = selection.shared.place
    places = [(row, conditions(row.record).place) for row in library.rows()]
    return [
        row
        for row, place in places
        if (place.machine, place.budget) == (shared.machine, shared.budget)
    ]


def answer(found: Overview, selection: Selection, warning: str = "") -> Answer:
    """The recommendation, with what it rests on and what else warns of it."""
    return Answer(
        claim=found.claim,
        certainty=f"{found.certainty} {warning}".strip(),
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


def _plot(found: Overview, view: View) -> Iterator[Block]:
    if len(unplotted(found.lines, view.x)) == len(found.lines):
        yield Text("Nothing to plot: no candidate has an accuracy and what it costs.", small=True)
        return
    shown = axes_of([line.row for line in found.lines], view.x)
    yield Pick(
        name="x",
        label="Accuracy against",
        options={name: METRICS[name].words for name in shown},
        chosen=view.x,
        changes=lambda value: {"x": value},
        buttons=True,
    )
    rows = [line.row for line in found.lines]
    guessing = shared_level(rows, task_weights(view, rows))
    weighted = bool(counted(view, abilities(rows)))
    lines = [line for line in found.lines if matches(fields(line.row), view.search)]
    yield Figure(
        "tradeoff",
        lambda dark: tradeoff(
            lines,
            view.x,
            limits=dict(view.limits),
            guessing=guessing,
            weighted=weighted,
            dark=dark,
        ),
        f"Accuracy against {METRICS[view.x].axis_title}, a point a candidate. The table below has "
        "the same numbers.",
        opens=opens,
    )
    yield Text(_legend(view, unplotted(lines, view.x)), small=True)


def _legend(view: View, absent: Sequence[Line]) -> str:
    words = (
        "Pareto line: nothing that fits is as good in both numbers that are shown. "
        "Bars: 95 % intervals, of accuracy over items, of times and memory over process runs. "
        "A click opens the candidate."
    )
    if view.search:
        words = f"Only what the search below finds. {words}"
    if not absent:
        return words
    names = ", ".join(cut(one.row.record.candidate.name, 40) for one in absent)
    return f"{words} Not plotted (no accuracy, speed or memory): {names}."


def _measure(selection: Selection, view: View) -> str:
    """The command that puts another model beside these."""
    suite = shlex.quote(plain(selection.rows[0].record.suite.name))
    memory = view.limit("memory")
    inside = "" if memory is None else f" --memory {memory:.0f}MiB"
    return f"weighin run MODEL --suite {suite}{inside}"
