"""Which records of a store answer a comparison with a given time, so that none is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.batches.timed_before import ended_before
from runners.records.looks import LooksInfo
from runners.records.reading import parse_record
from runners.records.record import Record
from tests.leaderboard.conftest import Maker

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"


@pytest.fixture(scope="module")
def made() -> Maker:
    return Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))


def left(made: Maker, name: str, look: int = 2, plan: str = "p", **given: Any) -> Record:
    """A candidate's record of a comparison, at the look until which it was asked."""
    looks = LooksInfo(plan=plan, time_s=60.0, look=look, looks=look, critical_z=2.0)
    batch = given.pop("batch", "first")
    job = made.base.job.model_copy(update={"looks": looks, "batch": batch})
    return made.record(name, batch=batch, job=job, **{"status": "completed", **given})


def test_a_comparison_that_was_judged_is_known(made: Maker):
    records = [left(made, "a", 1), left(made, "b")]
    assert ended_before("p", {"a", "b"}, records) == records
    assert ended_before("other", {"a", "b"}, records) == []
    assert ended_before("p", {"a", "b", "c"}, records) == []
    # The newest, where it was run again.
    again = [left(made, name, batch="second") for name in "ab"]
    assert ended_before("p", {"a", "b"}, [*records, *again]) == again


def test_its_timed_repeats_are_part_of_it_and_nothing_else(made: Maker):
    records = [left(made, "a"), left(made, "b")]
    repeat = made.record("a", repeat=1, batch="first")
    # A run without the memory limit, which tells thrashing; a repeat of another comparison's items.
    free = made.record("a", batch="first", run_id="20260101T000009-a-free")
    other = made.record("b", repeat=2, batch="first", suite={"digest": "another"})
    found = ended_before("p", {"a", "b"}, [*records, free, repeat, other])
    assert found == [*records, repeat]


def test_what_failed_or_was_never_judged_is_run_again(made: Maker):
    assert ended_before("p", {"a", "b"}, [left(made, "a"), left(made, "b", status="failed")]) == []
    assert ended_before("p", {"a", "b"}, [left(made, "a", 0), left(made, "b", 0)]) == []
    assert ended_before("p", {"a"}, [left(made, "a", 0)]) != []  # alone there is nothing to judge
    # The answer before it stands.
    whole = [left(made, "a"), left(made, "b")]
    broken = [left(made, name, 0, batch="second") for name in "ab"]
    assert ended_before("p", {"a", "b"}, [*whole, *broken]) == whole
