"""Which rows a view is about: one machine, suite and budget, never a mixture."""

from __future__ import annotations

from typing import Any

from leaderboard.rows.row import Row
from leaderboard.rows.selection import elsewhere, missing, select
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker


def on(made: Maker, name: str, machine: str, **given: Any) -> Row:
    return made.row(name, machine={"fingerprint": machine, "cpu_model": machine.upper()}, **given)


def three(made: Maker) -> list[Row]:
    """One candidate on the machine that was measured last, two on another."""
    return [
        on(made, "a", "x", run_id="20260103T000000-a"),
        on(made, "b", "y", run_id="20260101T000000-b"),
        on(made, "c", "y", run_id="20260102T000000-c"),
    ]


def test_the_machine_that_was_measured_last_comes_first(made: Maker):
    found = select(three(made), View())
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["a"]
    assert list(found.machines) == ["x", "y"]
    assert found.problems == ()


def test_of_its_suites_the_most_measured_comes_first(made: Maker):
    rows = [
        made.row("a", suite={"digest": "new"}, run_id="20260103T000000-a"),
        made.row("b", suite={"digest": "much"}, run_id="20260101T000000-b"),
        made.row("c", suite={"digest": "much"}, run_id="20260102T000000-c"),
    ]
    found = select(rows, View())
    assert found is not None
    assert list(found.suites) == ["much", "new"]


def test_the_boards_own_machine_comes_first(made: Maker):
    found = select(three(made), View(), here="y")
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["b", "c"]
    assert list(found.machines) == ["y", "x"]
    assert found.machines["y"].startswith("this machine \N{MIDDLE DOT} Y")
    assert not found.machines["x"].startswith("this machine")
    elsewhere = select(three(made), View(), here="z")
    assert elsewhere is not None
    assert list(elsewhere.machines) == ["x", "y"]
    asked = select(three(made), View(machine="x"), here="y")
    assert asked is not None
    assert asked.shared.place.machine == "x"


def test_machines_are_named_in_words(made: Maker):
    found = select(three(made), View(), here="y", shipped={"x", "y"})
    assert found is not None
    assert found.machines == {
        "y": "this machine \N{MIDDLE DOT} Y",
        "x": "reference, shipped \N{MIDDLE DOT} X",
    }
    # Two of one name are told apart.
    alike = [made.row(name, machine={"fingerprint": name, "cpu_model": "Z"}) for name in "pq"]
    named = select(alike, View())
    assert named is not None
    assert len(set(named.machines.values())) == 2


def test_of_what_was_measured_as_often_the_newest_comes_first(made: Maker):
    # Ten of each, lest the order of a set be the right one by chance.
    days = dict(zip("cjaihbfegd", range(1, 11), strict=True))
    newest_first = [*"dgefbhiajc"]
    machines = [on(made, m, m, run_id=f"202601{day:02}T000000-m") for m, day in days.items()]
    suites = [
        made.row(s, suite={"digest": s}, run_id=f"202601{day:02}T000000-s")
        for s, day in days.items()
    ]
    for rows in (machines, machines[::-1]):
        found = select(rows, View())
        assert found is not None
        assert list(found.machines) == newest_first
        assert [row.record.candidate.name for row in found.rows] == ["d"]
    found = select(suites, View())
    assert found is not None
    assert list(found.suites) == newest_first


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
        made.row("a"),
        made.row("b", suite={"digest": "other"}),
        made.row("c", budget=budget),
        made.row("d", budget=budget),
    ]
    found = select(rows, View())
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["a"]  # no budget comes first
    assert list(found.budgets.values()) == ["pi", "no budget"]
    assert len(found.suites) == 2


def test_there_is_nothing_to_select_from_nothing():
    assert select([], View()) is None


def built(made: Maker, name: str, digest: str, **given: Any) -> Row:
    return made.row(name, software={**made.base.software.said(), "runtime_digest": digest}, **given)


def test_of_two_builds_the_one_with_most_candidates_is_shown(made: Maker):
    rows = [built(made, "a", "old"), built(made, "b", "old"), built(made, "a", "new")]
    found = select(rows, View())
    assert found is not None
    assert [row.record.candidate.name for row in found.rows] == ["a", "b"]
    assert found.left_out == 1
    assert [*found.builds["fake"].values()] == ["fake 1, build old", "fake 1, build new"]


def test_the_build_that_a_view_names_is_shown_beside_other_runtimes(made: Maker):
    other = made.row("c", candidate={"runtime": "hf"}, software={"runtime_version": "9"})
    rows = [built(made, "a", "old"), built(made, "b", "old"), built(made, "a", "new"), other]
    found = select(rows, View())
    assert found is not None
    new = next(key for key, name in found.builds["fake"].items() if name.endswith("new"))
    again = select(rows, View(builds=(new, "fake-00000000")))
    assert again is not None
    assert again.rows == (rows[2], other)
    assert again.problems == ('build "fake-00000000" has no run here; showing another',)


def test_of_two_builds_with_as_many_candidates_the_newer_is_shown(made: Maker):
    rows = [
        built(made, "a", "old", run_id="20260101T000000-a"),
        built(made, "a", "new", run_id="20260201T000000-a"),
    ]
    for ordered in (rows, rows[::-1]):
        found = select(ordered, View())
        assert found is not None
        assert found.rows == (rows[1],)


def test_the_same_candidate_is_found_under_other_conditions(made: Maker):
    zen5 = {**made.base.machine.said(), "fingerprint": "1a1335212ad9", "cpu_id": "family 26"}
    here = built(made, "a", "old", run_id="20260101T000000-a")
    there = built(made, "a", "new", run_id="20260201T000000-a", machine=zen5)
    newer = built(made, "a", "newest", run_id="20260301T000000-a")
    rows = [here, there, newer, built(made, "b", "old")]
    assert elsewhere(rows, here) == (newer, there)
    assert missing([there], "a") == (
        "a was not measured under these conditions, but on AMD EPYC, 2 cores, 24 GiB, family 26 · "
        "1a1335, fake 1, build new, tiny v1, no budget"
    )
    assert missing(rows, "z") == 'candidate "z" has no run in these stores'
