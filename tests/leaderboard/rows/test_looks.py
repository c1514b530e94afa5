"""Two runs of a comparison with a given time: the level that its looks leave to one pair."""

from __future__ import annotations

import pytest

from leaderboard.rows.looks import judged_together, pair_level
from leaderboard.rows.row import row
from runners.records.looks import LooksInfo
from runners.records.record import Record
from tests.leaderboard.conftest import Maker


def looked(made: Maker, name: str, z: float, **given: object) -> Record:
    """A run that was judged at this many standard errors."""
    looks = LooksInfo(plan="p", time_s=60.0, look=2, looks=2, critical_z=z)
    job = made.base.job.model_copy(update={"looks": looks})
    return made.record(name, job=job, **given)  # type: ignore[arg-type]


def test_the_look_that_came_first_decides(made: Maker):
    # 2 Φ(-2.8) = 0.0051, 2 Φ(-2.1) = 0.0357: the one that was stopped first had the higher bar.
    early, late = looked(made, "a", 2.8), looked(made, "b", 2.1)
    assert pair_level(early, late) == pair_level(late, early) == pytest.approx(0.0051, abs=1e-4)
    assert pair_level(late, late) == pytest.approx(0.0357, abs=1e-4)
    assert judged_together(early, late)


def test_other_runs_are_compared_at_five_per_cent(made: Maker):
    plain, late = made.record("a"), looked(made, "b", 2.1)
    assert pair_level(plain, late) == pair_level(plain, plain) == 0.05
    assert not judged_together(plain, late)
    assert not judged_together(late, looked(made, "c", 2.1, suite={"digest": "another"}))
    # No look came to an end: nothing was decided.
    assert pair_level(looked(made, "a", 0.0), looked(made, "b", 0.0)) == 0.05


def test_a_row_says_where_its_candidate_was_stopped(made: Maker):
    record = looked(made, "a", 2.8, tasks={"t": made.task(0.5)}, status="completed")
    stays = row(record)
    looks = record.job.looks
    assert looks is not None
    stopped = looks.model_copy(update={"stopped": "outside the tie"})
    job = record.job.model_copy(update={"looks": stopped})
    assert "stopped at look 2" not in stays.flags
    assert "stopped at look 2" in row(record.model_copy(update={"job": job})).flags


def test_a_first_look_that_could_tell_nothing_leaves_a_level(made: Maker):
    # 100 is stored where a look could spend nothing: 2 Φ(-100) is 0 in a computer.
    early, late = looked(made, "a", 100.0), looked(made, "b", 2.1)
    assert pair_level(early, late) == 1e-12
