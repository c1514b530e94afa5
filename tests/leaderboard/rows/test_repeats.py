from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.rows.repeats import runs_of

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_repeats_are_one_candidate_on_one_suite_machine_and_budget(made: Maker) -> None:
    records = [made.record(repeat=i) for i in range(3)]
    others = [
        made.record("b"),
        made.record(suite={"digest": "other"}),
        made.record(machine={"fingerprint": "elsewhere"}),
        made.record(budget={"memory_bytes": 2**30}),
    ]
    assert runs_of(records[1], [*records, *others]) == tuple(records)
    assert runs_of(others[3], [*records, *others]) == (others[3],)


def test_the_newest_of_a_repeat_counts_unless_it_was_interrupted(made: Maker) -> None:
    old = made.record(run_id="20260101T000000-a", status="completed")
    new = made.record(run_id="20260102T000000-a", status="failed")
    cut = made.record(run_id="20260103T000000-a", status="interrupted")
    assert runs_of(new, [old, new]) == (new,)
    assert runs_of(old, [old, cut]) == (old,)


def test_the_run_that_was_asked_for_is_there_even_when_a_newer_one_is(made: Maker) -> None:
    old = made.record(run_id="20260101T000000-a")
    new = made.record(run_id="20260102T000000-a")
    assert runs_of(old, [old, new]) == (old,)
