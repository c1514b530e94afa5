from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.runs.history import changes, history, names, versions

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def at(made: Maker, day: int, *, runtime: str = "1", weighin: str = "0.1.0", **given: Any) -> Any:
    usual: dict[str, Any] = {
        "run_id": f"202601{day:02d}T00000{given.get('repeat', 0)}-a",
        "created_at": f"2026-01-{day:02d}T00:00:00+00:00",
        "batch": f"day {day}",
        "software": {"runtime_version": runtime, "weighin": weighin},
    }
    return made.record(**{**usual, **given})


def test_a_batch_is_one_point_with_the_mean_of_its_runs(made: Maker) -> None:
    records = [
        at(made, 1, repeat=0, ttft_s=0.1),
        at(made, 1, repeat=1, ttft_s=0.3),
        at(made, 2, repeat=0, ttft_s=0.5),
    ]
    (line,) = history(records, "a")
    assert [point.row.runs for point in line.points] == [2, 1]
    assert line.points[0].row.value("ttft") == pytest.approx(0.2)
    assert line.points[0].row.number("ttft").interval is not None
    assert line.points[1].row.number("ttft").interval is None


def test_what_changed_since_the_point_before_is_named(made: Maker) -> None:
    records = [
        at(made, 1),
        at(made, 2, runtime="2"),
        at(made, 3, runtime="2", weighin="0.2.0", candidate={"digest": "new weights"}),
    ]
    (line,) = history(records, "a")
    kind = records[0].candidate.runtime
    assert [point.changes for point in line.points] == [
        (),
        (f"runtime: {kind} 1 -> {kind} 2",),
        ("candidate: a -> new weights", "weighin: 0.1.0 -> 0.2.0"),
    ]


def test_a_runtime_that_changed_within_a_batch_makes_two_points(made: Maker) -> None:
    records = [at(made, 1, repeat=0), at(made, 1, repeat=1, runtime="2")]
    (line,) = history(records, "a")
    assert [point.row.runs for point in line.points] == [1, 1]


def test_unlike_machines_suites_and_budgets_are_lines_of_their_own(made: Maker) -> None:
    records = [
        at(made, 1),
        at(made, 4, machine={"fingerprint": "elsewhere"}),
        at(made, 2, suite={"digest": "other"}),
        at(made, 3, budget={"memory_bytes": 1}),
        at(made, 5, name="b"),
    ]
    lines = history(records, "a")
    assert len(lines) == 4
    # The newest first.
    assert lines[0].place.machine == "elsewhere"
    assert history(records, "nobody") == ()
    assert names(records) == ("a", "b")


def test_points_come_by_time_whatever_the_order_of_the_records(made: Maker) -> None:
    records = [at(made, 3), at(made, 1), at(made, 2)]
    (line,) = history(records, "a")
    assert [point.row.record.created_at[:10] for point in line.points] == [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
    ]


def test_a_version_that_is_not_named_is_unknown(made: Maker) -> None:
    found = versions(made.record(software={}, machine={}))
    assert found.weighin == "unknown"
    assert found.kernel == "unknown"
    assert changes(found, found) == ()
