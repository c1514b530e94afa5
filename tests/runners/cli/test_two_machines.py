"""Records of two machines, named on the command line: those that may be compared come first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import RecordError
from leaderboard.compare.comparison import compare
from runners.cli.sides import find_side, fitting, store_of
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.store import Store
from tests.support.records import changed

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
ZEN5 = {"fingerprint": "1a1335212ad9", "cpu_id": "AuthenticAMD family 26 model 2 stepping 1"}


def record(name: str, day: int, **changes: Any) -> Record:
    base = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    candidate = base.candidate.model_copy(update={"name": name})
    job = base.job.model_copy(update={"batch": str(day), "key": f"{day:016x}"})
    own = {"candidate": candidate, "job": job, "run_id": f"202601{day:02}T000000-{name}"}
    return changed(base, **own, **changes)


@pytest.fixture
def two(tmp_path: Path) -> Store:
    """`a` was measured on an old machine and then on a new one, `b` on the old one alone."""
    store = Store(tmp_path / "two")
    store.add(record("a", 1), None)
    store.add(record("b", 2), None)
    store.add(record("a", 3, machine={**record("a", 1).machine.said(), **ZEN5}), None)
    return store


def days(*sides: Any) -> list[str]:
    return [run.run_id[6:8] for side in sides for run in side.runs]


def test_a_candidates_runs_beside_the_other_side_come_before_newer_ones(two: Store):
    a, b = find_side("a", two), find_side("b", two)
    assert days(a, b) == ["03", "02"]
    assert days(fitting("a", two, a, b)) == ["01"]
    assert days(fitting("b", two, b, a)) == ["02"]  # not measured there
    (found,) = compare([fitting("a", two, a, b), b])
    assert found.unlike == ""


def test_a_run_that_was_named_stays(two: Store):
    a, b = find_side("20260103T000000-a", two), find_side("b", two)
    assert days(fitting("20260103T000000-a", two, a, b)) == ["03"]
    (found,) = compare([a, b])
    assert found.unlike.startswith("measured on unlike machines (AMD EPYC, 2 cores, 24 GiB, family")
    reasons = {axis.reason for axis in found.axes if axis.axis != "weights_bytes"}
    assert reasons == {"measured on unlike machines"}


def test_another_suite_is_no_reason_to_refuse_where_both_were_asked_one(two: Store):
    suite = record("b", 2).suite.model_copy(update={"digest": "of-another-suite"})
    two.add(record("b", 4, suite=suite), None)
    a, b = find_side("20260101T000000-a", two), find_side("b", two)
    assert days(b) == ["04"]
    assert days(fitting("b", two, b, a)) == ["02"]


def test_the_newest_runs_on_one_suite_can_be_asked_for(two: Store):
    suite = record("b", 2).suite.model_copy(update={"digest": "of-another-suite"})
    two.add(record("b", 4, suite=suite), None)
    assert days(find_side("b", two, suite=record("a", 1).suite.digest)) == ["02"]
    assert days(find_side("b", two, suite="of-another-suite")) == ["04"]
    assert days(find_side("a", two, suite="of-another-suite")) == ["03"]  # never asked it


def test_a_run_is_not_held_against_itself_for_the_sake_of_its_conditions(two: Store):
    newest, old = find_side("a", two), find_side("20260101T000000-a", two)
    assert days(fitting("a", two, newest, old)) == ["03"]


def test_a_candidate_of_another_store_is_named_by_its_folder(two: Store):
    found = find_side(f"{two.root}/b", Store(two.root.parent / "elsewhere"))
    assert days(found) == ["02"]
    assert store_of(f"{two.root}/b", Store(Path("elsewhere"))).root == two.root
    with pytest.raises(RecordError, match=f"holds a, b: name one, e.g. {two.root}/a"):
        find_side(str(two.root), two)
    with pytest.raises(RecordError, match="nobody: no folder of records"):
        find_side(f"{two.root}/nobody", two)
