"""Stores brought together: once, whole, and without touching what is there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from evals.errors import RecordError
from runners.records.merging import merge
from runners.records.record import Record
from runners.records.store import GATES, RECORD, Store
from tests.runners.records.test_store import record, small_disk

__all__ = ["small_disk"]
ID = "20260101T000000-a-11111111"


def failed(run_id: str, *, batch: str = "b", key: str = "", message: str = "m") -> Record:
    """A record without samples."""
    one = record(run_id, candidate="a", key=key, status="failed")
    job = one.job.model_copy(update={"batch": batch})
    return one.model_copy(update={"job": job, "accuracy": {}, "command": message})


def completed(run_id: str, *, batch: str = "b", seconds: float = 1.0) -> Record:
    one = failed(run_id, batch=batch, key="1" * 16).model_copy(update={"status": "completed"})
    return one.model_copy(update={"job": one.job.model_copy(update={"seconds": seconds})})


def filled(folder: Path, *records: Record) -> Store:
    store = Store(folder)
    store.create()
    for one in records:
        store.add(one, None)
    return store


def bytes_of(store: Store) -> dict[str, str]:
    files = [path for path in sorted(store.root.rglob("*")) if path.is_file()]
    return {
        str(p.relative_to(store.root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def test_twice_is_once_and_copies_are_the_same_bytes(tmp_path: Path) -> None:
    source = filled(tmp_path / "s", failed(ID), failed("20260102T000000-a-22222222"))
    target = filled(tmp_path / "t")
    done = merge(source, target)
    assert (len(done.added), done.known, done.refused) == (2, [], [])
    assert bytes_of(target) == bytes_of(source)
    again = merge(source, target)
    assert (again.added, len(again.known)) == ([], 2)
    assert bytes_of(target) == bytes_of(source)


def test_one_id_of_two_runs_becomes_two_and_stays_two(tmp_path: Path) -> None:
    source = filled(tmp_path / "s", failed(ID, message="of the source"))
    target = filled(tmp_path / "t", failed(ID, message="of the target"))
    before = bytes_of(target)
    (added,) = merge(source, target).added
    assert added != ID
    assert {target.read(one).command for one in target.run_ids()} == {
        "of the source", "of the target",
    }  # fmt: skip
    assert before.items() <= bytes_of(target).items()
    assert merge(source, target).known == [ID]
    assert len(target.run_ids()) == 2


def test_a_block_that_two_machines_ran_counts_once(tmp_path: Path) -> None:
    first = filled(tmp_path / "first", completed(ID, seconds=1.0))
    second = filled(tmp_path / "second", completed("20260101T000007-a-11111111", seconds=2.0))
    target = filled(tmp_path / "t")
    merge(first, target)
    assert merge(second, target).known == ["20260101T000007-a-11111111"]
    assert [target.read(one).job.seconds for one in target.run_ids()] == [1.0]
    # Another batch measured the same job again on purpose.
    third = filled(tmp_path / "third", completed("20260101T000009-a-11111111", batch="other"))
    assert len(merge(third, target).added) == 1


def test_a_failed_run_does_not_hide_the_answer_of_another_machine(tmp_path: Path) -> None:
    target = filled(tmp_path / "t", failed(ID, key="1" * 16))
    source = filled(tmp_path / "s", completed("20260101T000007-a-11111111"))
    assert len(merge(source, target).added) == 1


def test_what_is_damaged_is_named_and_the_rest_goes(tmp_path: Path) -> None:
    source = filled(tmp_path / "s", failed(ID), failed("20260102T000000-a-22222222"))
    (source.root / ID / RECORD).write_text("{", encoding="utf-8")
    # Its samples have no column of tasks: they cannot be its own.
    source.add(completed("20260103T000000-a-11111111"), pa.table({"x": [1]}))
    target = filled(tmp_path / "t")
    done = merge(source, target)
    assert done.added == ["20260102T000000-a-22222222"]
    assert [str(source.root / ID) in str(error) for error in done.refused] == [True, False]
    assert target.run_ids() == done.added


def test_reports_of_checks_come_along_once(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "s"), filled(tmp_path / "t")
    for store, text in ((source, "of the source"), (target, "of the target")):
        (store.root / GATES).mkdir()
        (store.root / GATES / "20260101T000000-a.json").write_text(text, encoding="utf-8")
    assert merge(source, target).gates == 1
    assert merge(source, target).gates == 0
    texts = {path.read_text(encoding="utf-8") for path in (target.root / GATES).iterdir()}
    assert texts == {"of the source", "of the target"}


def test_a_full_disk_leaves_no_half_record_and_the_next_try_goes_on(
    tmp_path: Path, small_disk: Path
) -> None:
    records = [failed(f"2026010{n}T000000-a-{n}{n}{n}{n}{n}{n}{n}{n}") for n in range(1, 10)]
    source, target = filled(tmp_path / "s", *records), filled(small_disk / "t")
    with pytest.raises(RecordError, match="cannot be written"):
        merge(source, target)
    ids = target.run_ids()
    assert len(ids) < len(records)
    assert all(target.read(run_id) for run_id in ids)
    assert not list(target.root.glob(".tmp-*"))
