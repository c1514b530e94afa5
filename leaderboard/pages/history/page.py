"""History: a candidate over time, over versions of itself, its runtime and Weighin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from leaderboard.gate.history import allowed, checked
from leaderboard.gate.past import PastGate, all_gates, gate_folders
from leaderboard.pages.blocks import Beside, Block, Figure, Heading, Note, Shown, Table, Text
from leaderboard.pages.checks.alarms import alarms
from leaderboard.pages.history.figure import Drawn, history_figure
from leaderboard.pages.history.tables import gate_grid, line_grid, line_name
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import empty, pick_known
from leaderboard.rows.conditions import machine_of
from leaderboard.rows.metric import Metric, longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.view import View
from leaderboard.runs.history import Line, history, names
from runners.records.record import Record

FIRST = "accuracy"
LEGEND = (
    "A line is one machine, one set of items and one budget: points of unlike ones are not joined. "
    "A point is one batch; a diamond: something changed since the point before, the runtime's "
    "build for one: times on its two sides are not of the same code. A red ring: the check of that "
    "batch said regressed. The band reaches from the baseline of the newest check to the worst "
    "that it allows. Bars are 95 %: over items for the accuracy, run to run for the others."
)


def page(library: Library, view: View) -> Iterator[Block]:
    """One number of one candidate over time, its points in tables, and its checks."""
    records = library.stores().records
    known = names(records)
    yield Heading("History", 1)
    if not known:
        yield from empty(library)
        return
    every, damaged = all_gates(gate_folders(library.stores()))
    name = view.name if view.name in known else _first(records, every)
    metric = view.history if view.history in METRICS else FIRST
    titles = {key: one.axis_title for key, one in METRICS.items()}
    candidates = pick_known("name", "candidate", {one: one for one in known}, view, first=name)
    metrics = pick_known("history", "metric", titles, view, first=metric)
    yield Beside((tuple(candidates), tuple(metrics)), (2, 1))
    yield Shown({"name": name, "history": view.history and metric})
    gates = [one for one in every if one.candidate == name]
    checks = checked(gates, [one for one in records if one.candidate.name == name])
    lines = history(records, name)
    headings = [line_name(line) for line in lines]
    drawn = [
        _drawn(line, heading, METRICS[metric], gates, checks)
        for line, heading in zip(lines, headings, strict=True)
    ]
    yield from alarms(library, [name])
    yield Figure(
        "history", lambda dark: history_figure(drawn, metric, dark=dark), "A candidate over time"
    )
    yield Text(LEGEND, small=True)
    for line, heading in zip(lines, headings, strict=True):
        yield Table(line_grid(line, heading, checks))
        if len(line.points) == 1:
            words = "One point so far: run it again after a change, and the line begins."
            yield Text(words, small=True)
    if gates:
        yield Table(gate_grid(gates))
    for error in damaged:
        yield Note(str(error), "warning")


def _first(records: Sequence[Record], gates: Sequence[PastGate]) -> str:
    """The candidate that was checked last, else the one with most batches."""
    names = {record.candidate.name for record in records}
    for gate in gates:
        if gate.candidate in names:
            return gate.candidate
    batches: dict[str, set[str]] = {}
    for record in records:
        batches.setdefault(record.candidate.name, set()).add(record.job.batch)
    newest = {record.candidate.name: record.run_id for record in records}
    return max(batches, key=lambda name: (len(batches[name]), newest[name]))


def _drawn(
    line: Line,
    name: str,
    metric: Metric,
    gates: Sequence[PastGate],
    checks: Mapping[str, PastGate],
) -> Drawn:
    record = line.points[-1].row.record
    found = {
        place: checks[point.row.record.job.batch].line
        for place, point in enumerate(line.points)
        if point.row.record.job.batch in checks
        and checks[point.row.record.job.batch].verdict == "regressed"
    }
    where = machine_of(record), record.suite.name
    band = allowed(gates, metric, longest_workload(record), where)
    return Drawn(line=line, name=name, allowed=band, regressed=found)
