"""Which runs are one side of a comparison."""

from __future__ import annotations

from leaderboard.compare.sides import newest, runs_beside
from leaderboard.rows.repeats import runs_of
from tests.leaderboard.conftest import Maker


def test_a_side_is_one_candidate_under_one_set_of_conditions(made: Maker):
    runs = [made.record(repeat=i, status="completed") for i in range(3)]
    rebuilt = {**made.base.software.said(), "runtime_digest": "new"}
    others = [
        made.record("b", status="completed"),
        made.record(repeat=3, status="completed", software=rebuilt),
        made.record(repeat=4, status="completed", machine={"fingerprint": "elsewhere"}),
        made.record(repeat=5, status="completed", budget={"memory_bytes": 2**30}),
    ]
    assert runs_beside(runs[0], [*runs, *others]) == tuple(runs)
    assert runs_beside(others[1], [*runs, *others]) == (others[1],)


def test_a_failed_run_stands_in_the_place_of_what_completed_before(made: Maker):
    """A comparison and the board take the same runs: not the completed and the failed one."""
    old = [made.record(repeat=i, batch="one", status="completed") for i in range(2)]
    broken = made.record(batch="two", status="failed", run_id="20260201T000000-a")
    records = [*old, broken]
    assert newest(records, "a") == broken
    assert runs_beside(broken, records) == runs_of(broken, records) == (old[1], broken)


def test_a_failure_of_an_earlier_batch_does_not_count_against_a_later_one(made: Maker):
    broken = made.record(repeat=1, batch="one", status="failed")
    again = made.record(batch="two", status="completed", run_id="20260201T000000-a")
    assert runs_beside(again, [broken, again]) == (again,)


def test_what_could_not_be_fetched_failed_although_its_digest_is_another(made: Maker):
    fetched = made.record(status="completed")
    broken = made.record(repeat=1, status="failed", candidate={"digest": "no weights"})
    assert runs_beside(fetched, [fetched, broken]) == (fetched, broken)


def test_one_batch_leaves_out_the_others(made: Maker):
    one, two = (made.record(repeat=i, batch=str(i), status="completed") for i in range(2))
    assert runs_beside(two, [one, two], one_batch=True) == (two,)
    assert runs_beside(two, [one, two]) == (one, two)
