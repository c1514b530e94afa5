from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.compare.sides import newest
from leaderboard.rows.repeats import runs_of
from leaderboard.rows.row import merged

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


def test_runs_of_other_conditions_stand_apart(made: Maker) -> None:
    runs = [made.record(repeat=i, status="completed") for i in range(3)]
    rebuilt = {**made.base.software.said(), "runtime_digest": "new"}
    others = [
        made.record("b", status="completed"),
        made.record(repeat=3, status="completed", software=rebuilt),
        made.record(repeat=4, status="completed", machine={"fingerprint": "elsewhere"}),
        made.record(repeat=5, status="completed", budget={"memory_bytes": 2**30}),
    ]
    assert runs_of(runs[0], [*runs, *others]) == tuple(runs)
    assert runs_of(others[1], [*runs, *others]) == (others[1],)


def test_a_failed_run_stands_in_the_place_of_what_completed_before(made: Maker) -> None:
    """A comparison and the board take the same runs: not the completed and the failed one."""
    old = [made.record(repeat=i, batch="one", status="completed") for i in range(2)]
    broken = made.record(batch="two", status="failed", run_id="20260201T000000-a")
    records = [*old, broken]
    assert newest(records, "a") == broken
    assert runs_of(broken, records) == (old[1], broken)


def test_a_failure_of_an_earlier_batch_does_not_count_against_a_later_one(made: Maker) -> None:
    broken = made.record(repeat=1, batch="one", status="failed")
    again = made.record(batch="two", status="completed", run_id="20260201T000000-a")
    assert runs_of(again, [broken, again]) == (again,)


def test_what_could_not_be_fetched_failed_although_its_digest_is_another(made: Maker) -> None:
    fetched = made.record(status="completed")
    broken = made.record(repeat=1, status="failed", candidate={"digest": "no weights"})
    assert runs_of(fetched, [fetched, broken]) == (fetched, broken)


def test_one_batch_leaves_out_the_others(made: Maker) -> None:
    one, two = (made.record(repeat=i, batch=str(i), status="completed") for i in range(2))
    assert runs_of(two, [one, two], one_batch=True) == (two,)
    assert runs_of(two, [one, two]) == (one, two)


def test_an_interrupted_run_counts_only_where_nothing_else_does(made: Maker) -> None:
    old = made.record(batch="one", status="completed")
    cut = made.record(repeat=1, batch="two", status="interrupted")
    assert runs_of(old, [old, cut]) == (old,)
    assert runs_of(cut, [cut]) == (cut,)


def test_the_board_shows_the_runs_that_a_comparison_takes(made: Maker) -> None:
    """Two runs completed; the first repeat failed when it was run again, and then completed."""
    old = [made.record(repeat=i, batch="one", status="completed", decode=50.0) for i in range(2)]
    broken = made.record(batch="two", status="failed", run_id="20260201T000000-a", latency={})
    again = made.record(batch="three", status="completed", run_id="20260301T000000-a", decode=70.0)
    cut = made.record(batch="four", status="interrupted", run_id="20260401T000000-a", decode=9.0)
    records = [*old, broken, again, cut]
    taken = {2: old, 3: [old[1], broken], 4: [old[1], again], 5: [old[1], again]}
    for many, runs in taken.items():
        lead = newest(records[:many], "a")
        assert lead
        assert [*runs_of(lead, records[:many])] == runs
        (shown,) = merged(records[:many])
        rates = [run.latency["8+4"].decode_tokens_per_s.p50 for run in runs if run.latency]
        assert shown.value("decode") == sum(rates) / len(rates)
        assert shown.flags == (("failed (1 of 2 runs)",) if broken in runs else ())
