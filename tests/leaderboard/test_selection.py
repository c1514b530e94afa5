"""Which rows a view is about: one machine, suite and budget, never a mixture."""

from __future__ import annotations

from typing import Any

from leaderboard.board import Row
from leaderboard.selection import machine_name, select
from leaderboard.view import View
from tests.leaderboard.conftest import Maker


def on(made: Maker, name: str, machine: str, **given: Any) -> Row:
    return made.row(name, machine={"fingerprint": machine, "cpu_model": machine.upper()}, **given)


def test_the_most_measured_comes_first(made: Maker):
    rows = [on(made, "a", "x"), on(made, "b", "y"), on(made, "c", "y")]
    found = select(rows, View())
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["b", "c"]
    assert list(found.machines) == ["y", "x"]
    assert found.problems == ()


def test_what_the_view_names_is_taken(made: Maker):
    rows = [on(made, "a", "x"), on(made, "b", "y"), on(made, "c", "y")]
    found = select(rows, View(machine="x"))
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["a"]


def test_what_is_not_there_is_said(made: Maker):
    found = select([on(made, "a", "x")], View(machine="z", suite="s"))
    assert found is not None
    assert found.problems == (
        'machine "z" has no run here; showing another',
        'suite "s" has no run here; showing another',
    )


def test_suites_and_budgets_are_parted_too(made: Maker):
    budget = {"name": "pi", "memory_bytes": 2**30}
    rows = [
        made.row("a"), made.row("b", suite={"digest": "other"}), made.row("c", budget=budget),
        made.row("d", budget=budget),
    ]  # fmt: skip
    found = select(rows, View())
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["a"]  # no budget comes first
    assert list(found.budgets.values()) == ["pi", "no budget"]
    assert len(found.suites) == 2


def test_there_is_nothing_to_select_from_nothing():
    assert select([], View()) is None


def test_a_machine_is_named_by_what_is_known_of_it(made: Maker):
    known = {"cpu_model": "A", "usable_cpus": 1, "ram_bytes": 8 * 2**30, "gpu": ["G"]}
    assert machine_name(made.record(machine=known)) == "A, 1 core, 8 GiB, G"
    assert machine_name(made.record(machine={"fingerprint": "f"})) == "machine f"
