"""Checks: what `weighin check` said of each candidate last, the worst first, and before."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from leaderboard.gate.past import PastGate, all_gates, gate_folders, newest_gates
from leaderboard.gate.words import SEVERITY, WORST_FIRST
from leaderboard.pages.blocks import Bar, Block, Fold, Heading, Note, Table, Text
from leaderboard.pages.checks.alarms import day
from leaderboard.pages.controls import Go
from leaderboard.pages.grid import Grid, text_grid
from leaderboard.pages.history.tables import gate_grid
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import compare_runs
from leaderboard.rows.view import View
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
        yield from _check(gate, library.stores().homes)
    if gates:
        yield Heading("All checks")
        yield Table(gate_grid(gates))
    for error in damaged:
        yield Note(str(error), "warning")


def _check(gate: PastGate, known: Container[str]) -> Iterator[Block]:
    yield Heading(f"{gate.candidate}: {gate.verdict}")
    yield Text(
        f"{day(gate)} UTC, against {gate.baseline}, suite {gate.suite}, "
        f"machine {gate.machine or MISSING}",
        small=True,
    )
    kinds = {"regressed": "error", "cannot tell": "warning", "pass": "info"}
    yield Note(gate.sentence, kinds[gate.verdict])  # type: ignore[arg-type]
    metrics = worst_first(gate)
    if metrics:
        yield Table(_grid(metrics[:MOST_METRICS], "The worst metrics"))
    if len(metrics) > MOST_METRICS:
        rest = metrics[MOST_METRICS:]
        yield Fold(f"{len(rest)} more metrics", (Table(_grid(rest, "The others")),))
    changes = {"name": gate.candidate}
    ways = [Go(label=f"History of {gate.candidate}", page="history", changes=changes)]
    if gate.baseline_run in known and gate.checked_run in known:
        words = f"Compare {gate.candidate} with its baseline"
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


def _word(one: dict[str, Any]) -> str:
    """The verdict of a report's metric, as `gate.words.word` says that of a judged one."""
    if one.get("refused"):
        return "not tested"
    return "improved" if one.get("improved") else str(one.get("verdict") or "not tested")


def _grid(metrics: list[dict[str, Any]], caption: str) -> Grid:
    rows = [
        (
            str(one.get("metric", MISSING)),
            _word(one),
            SEVERITY.get(str(one.get("severity")), SEVERITY["warn"]),
            str(one.get("sentence") or MISSING),
        )
        for one in metrics
    ]
    return text_grid(caption, ("metric", "verdict", "severity", "in a sentence"), rows)
