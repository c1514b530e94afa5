"""History: a candidate over time, over versions of itself, its runtime and Weighin."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.gate.past import gate_folders, gates_of
from leaderboard.pages.blocks import Beside, Block, Figure, Note, Shown, Table, Text
from leaderboard.pages.history.figure import history_figure
from leaderboard.pages.history.tables import gate_grid, line_grid
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import empty, pick_known
from leaderboard.rows.conditions import budget_name, machine_in_full, suite_in_full
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.view import View
from leaderboard.runs.history import Line, history, names

FIRST = "accuracy"


def page(library: Library, view: View) -> Iterator[Block]:
    """One number of one candidate over time, its points in tables, and its checks."""
    records = library.stores().records
    known = names(records)
    if not known:
        yield from empty(library)
        return
    name = view.name if view.name in known else known[0]
    metric = view.history if view.history in METRICS else FIRST
    titles = {key: one.axis_title for key, one in METRICS.items()}
    candidates = pick_known("name", "candidate", {one: one for one in known}, view, first=name)
    metrics = pick_known("history", "metric", titles, view, first=metric)
    yield Beside((tuple(candidates), tuple(metrics)), (2, 1))
    yield Shown({"name": name, "history": view.history and metric})
    lines = history(records, name)
    headings = [_title(line) for line in lines]
    yield Figure(
        "history",
        lambda dark: history_figure(lines, headings, metric, dark=dark),
        "A candidate over time",
    )
    yield Text(
        "A line is one machine, one set of items and one budget: points of unlike ones are not "
        "joined. A point is one batch; a diamond: something changed since the point before, "
        "the runtime's build for one: times on its two sides are not of the same code. "
        "Bars are 95 %: over items for the accuracy, run to run for the others.",
        small=True,
    )
    for line, heading in zip(lines, headings, strict=True):
        yield Table(line_grid(line, heading))
        if len(line.points) == 1:
            words = "One point so far: run it again after a change, and the line begins."
            yield Text(words, small=True)
    yield from _gates(library, name)


def _gates(library: Library, name: str) -> Iterator[Block]:
    """Table of the candidate's verdicts by `weighin check`, as far as the stores have kept them."""
    gates, damaged = gates_of(gate_folders(library.stores()), name)
    if gates:
        yield Table(gate_grid(gates))
    for error in damaged:
        yield Note(str(error), "warning")


def _title(line: Line) -> str:
    record = line.points[-1].row.record
    return f"{machine_in_full(record)} · {suite_in_full(record)} · {budget_name(record)}"
