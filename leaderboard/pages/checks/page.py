"""Checks: what `weighin check` said of each candidate last, the worst first, and before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaderboard.gate.past import PastGate, all_gates, gate_folders, newest_gates
from leaderboard.gate.words import SEVERITY, WORST_FIRST, name, value
from leaderboard.pages.blocks import Bar, Block, Fold, Heading, Note, Table, Text
from leaderboard.pages.checks.alarms import day
from leaderboard.pages.controls import Go
from leaderboard.pages.grid import Cell, Grid, Head
from leaderboard.pages.history.tables import gate_grid
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import compare_runs
from leaderboard.rows.conditions import machine_in_full, machine_of
from leaderboard.rows.view import View
from leaderboard.text import cut
from leaderboard.units import MISSING

MOST_METRICS = 8
"""Metrics of a check that are shown at once; the rest is folded."""


def page(library: Library, _view: View) -> Iterator[Block]:
    """The newest check of each candidate with its worst metrics, then all checks."""
    gates, damaged = all_gates(gate_folders(library.stores()))
    yield Heading("Checks", 1)
    if not gates:
        yield Note(
            "No check is kept in these stores: `weighin check CANDIDATE --against BASELINE` says "
            "whether a candidate has become worse, and keeps its report here."
        )
    for gate in newest_gates(gates):
        yield from _check(gate, library)
    if gates:
        yield Heading("All checks")
        yield Table(gate_grid(gates))
    for error in damaged:
        yield Note(str(error), "warning")


def _check(gate: PastGate, library: Library) -> Iterator[Block]:
    yield Heading(f"{gate.candidate}: {gate.verdict}")
    machines = {machine_of(run): machine_in_full(run) for run in library.stores().records}
    where = machines.get(gate.machine or "", gate.machine or MISSING)
    yield Text(
        f"{day(gate)} UTC, against {gate.baseline}, suite {gate.suite}, machine {where}", small=True
    )
    kinds = {"regressed": "error", "cannot tell": "warning", "pass": "info"}
    yield Note(gate.line, kinds[gate.verdict])  # type: ignore[arg-type]
    metrics = worst_first(gate)
    if metrics:
        yield Table(_grid(metrics[:MOST_METRICS], "The worst metrics"))
    if len(metrics) > MOST_METRICS:
        rest = metrics[MOST_METRICS:]
        yield Fold(f"{len(rest)} more metrics", (Table(_grid(rest, "The others")),))
    changes = {"name": gate.candidate}
    ways = [Go(label=f"History of {cut(gate.candidate, 40)}", page="history", changes=changes)]
    known = library.stores().homes
    if gate.baseline_run in known and gate.checked_run in known:
        words = f"Compare {cut(gate.candidate, 40)} with its baseline"
        ways.append(compare_runs(gate.baseline_run, gate.checked_run, words))
    yield Bar(tuple(ways))


def worst_first(gate: PastGate) -> list[dict[str, Any]]:
    """The metrics of a report in the order of every other list of them, blocking ones first.

    What is no object in a report, since somebody edited it, is left out.
    """
    found = [one for one in gate.report.get("metrics") or [] if isinstance(one, dict)]

    def order(one: dict[str, Any]) -> tuple[int, bool]:
        word = _word(one)
        place = WORST_FIRST.index(word) if word in WORST_FIRST else len(WORST_FIRST)
        return place, one.get("severity") != "fail"

    return sorted(found, key=order)


def _word(one: Mapping[str, Any]) -> str:
    """The verdict of a report's metric, as `gate.words.word` says that of a judged one."""
    if one.get("refused"):
        return "not tested"
    return "improved" if one.get("improved") else str(one.get("verdict") or "not tested")


def _grid(metrics: Sequence[Mapping[str, Any]], caption: str) -> Grid:
    heads = (
        Head("metric", number=False),
        Head("verdict", number=False),
        Head("severity", number=False),
        Head("baseline"),
        Head("candidate"),
        Head("in a sentence", number=False, wide=True),
    )
    return Grid(caption=caption, heads=heads, rows=tuple(_metric(one) for one in metrics))


def _metric(one: Mapping[str, Any]) -> tuple[Cell, ...]:
    key = str(one.get("metric", MISSING))
    try:
        what = name(key)
        values = [value(key, one.get(side)) for side in ("baseline", "candidate")]
    except (KeyError, TypeError, ValueError):  # of another version of Weighin, or edited
        what, values = key, [MISSING, MISSING]
    said = str(one.get("sentence") or MISSING).replace("`", "")
    word = _word(one)
    return (
        Cell(what),
        Cell(word, bad=word == "regressed"),
        Cell(SEVERITY.get(str(one.get("severity")), SEVERITY["warn"])),
        *(Cell(text) for text in values),
        Cell(said.removeprefix(f"{what}: ")),
    )
