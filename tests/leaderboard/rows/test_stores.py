"""Several stores as one: fast, current, and what is wrong with a file is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evals.errors import RecordError
from leaderboard.rows.index import INDEX, Pool, read_index
from leaderboard.rows.requests import request_values
from leaderboard.rows.stores import StoreReader, stores_in
from runners.records.record import Record
from runners.records.store import RECORD

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of two records."""
    for run in sorted(REFERENCE.glob("2*"))[:2]:
        shutil.copytree(run, tmp_path / "store" / run.name)
    return tmp_path / "store"


def add(store: Path, run_id: str, **changes: object) -> Path:
    content = json.loads(EXAMPLE.read_text(encoding="utf-8")) | {"run_id": run_id, **changes}
    (store / run_id).mkdir(parents=True)
    path = store / run_id / RECORD
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def ids(reader: StoreReader) -> list[str]:
    return [record.run_id for record in reader.read().records]


def test_records_are_as_stored_but_for_raw_values(store: Path):
    view = StoreReader([store]).read()
    for record in view.records:
        full = view.full(record.run_id)
        assert record.accuracy == full.accuracy
        assert record.candidate == full.candidate
        assert full.latency["512+64"].repeats
        assert record.latency["512+64"].repeats == []
        known, raw = record.latency["512+64"].ttft_s, full.latency["512+64"]
        assert known.model_copy(update={"values": None}) == raw.ttft_s
        assert known.values == request_values(raw, "ttft_s")
        assert max(known.values) == known.maximum
        assert record.memory is not None
        assert record.memory.series == []


def test_a_second_reader_takes_them_from_the_index(store: Path, monkeypatch: pytest.MonkeyPatch):
    first = StoreReader([store]).read()
    assert (store / INDEX).is_file()
    monkeypatch.setattr("leaderboard.rows.stores.Store.read", refuse)
    assert StoreReader([store]).read().records == first.records


def refuse(*_: object) -> Record:
    raise AssertionError("a record was read although the index has it")


def test_records_of_one_suite_share_its_description(store: Path):
    StoreReader([store]).read()
    first, second = StoreReader([store]).read().records
    assert first.suite is second.suite


@pytest.mark.parametrize("reading", ["the records", "the index"])
def test_scores_share_the_names_of_the_fields_that_were_given(store: Path, reading: str):
    if reading == "the index":
        StoreReader([store]).read()
    view = StoreReader([store]).read()
    scores = [score for record in view.records for score in record.accuracy.values()]
    assert len(scores) > 10
    assert len({id(score.model_fields_set) for score in scores}) == 1
    for record in view.records:
        full = view.full(record.run_id)
        for task, score in full.accuracy.items():
            assert record.accuracy[task].model_dump() == score.model_dump()
    # What is made of one of them has names of its own.
    changed = scores[0].model_copy(update={"optional": True})
    assert changed.model_fields_set is not scores[0].model_fields_set


def test_a_new_run_appears_and_a_removed_one_goes(store: Path):
    reader = StoreReader([store])
    before = reader.read()
    assert reader.read() is before
    add(store, "20990101T000000-new-00000000")
    assert ids(reader)[-1] == "20990101T000000-new-00000000"
    assert reader.read().signature != before.signature
    shutil.rmtree(store / "20990101T000000-new-00000000")
    assert ids(reader) == [record.run_id for record in before.records]


@pytest.mark.parametrize("content", [b"", b"PAR1 not parquet", b"\x00" * 5000])
def test_a_damaged_index_is_made_anew(store: Path, content: bytes):
    before = ids(StoreReader([store]))
    (store / INDEX).write_bytes(content)
    assert ids(StoreReader([store])) == before
    assert len(read_index(store, Pool())) == 2


def test_a_store_that_cannot_be_written_to_is_shown_all_the_same(
    store: Path, monkeypatch: pytest.MonkeyPatch
):
    def full_disk(*_: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leaderboard.rows.index.pq.write_table", full_disk)
    assert len(ids(StoreReader([store]))) == 2
    assert sorted(path.name for path in store.iterdir() if not path.is_dir()) == []


def test_what_cannot_be_read_is_named_with_its_reason_and_the_rest_is_shown(store: Path):
    good = ids(StoreReader([store]))
    damaged = add(store, "20990101T000000-damaged-00000000")
    damaged.write_text('{"schema_version": 1, "run_id"', encoding="utf-8")
    newer = add(store, "20990101T000001-newer-00000000", schema_version=99)
    foreign = add(store, "20990101T000002-foreign-00000000")
    foreign.write_text('{"hello": 1}', encoding="utf-8")
    (store / "20990101T000003-empty-00000000").mkdir()
    view = StoreReader([store]).read()
    assert [record.run_id for record in view.records] == good
    reasons = {notice.path: notice.reason for notice in view.notices}
    assert set(reasons) == {
        damaged, newer, foreign, store / "20990101T000003-empty-00000000" / RECORD
    }  # fmt: skip
    assert f"{damaged}: damaged: not JSON" in reasons[damaged]
    assert "schema 99 is newer than this Weighin reads" in reasons[newer]
    assert "not a record of Weighin" in reasons[foreign]
    again = StoreReader([store]).read()  # from the index, which keeps the reasons
    assert again.notices == view.notices


def test_a_record_that_is_mended_is_read_again(store: Path):
    path = add(store, "20990101T000000-mended-00000000")
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:50], encoding="utf-8")
    reader = StoreReader([store])
    assert len(reader.read().notices) == 1
    path.write_text(whole, encoding="utf-8")
    assert reader.read().notices == ()
    assert ids(reader)[-1] == "20990101T000000-mended-00000000"


def test_a_run_that_lies_in_two_stores_is_one(store: Path, tmp_path: Path):
    shutil.copytree(store, tmp_path / "copy")
    assert len(ids(StoreReader([store, tmp_path / "copy"]))) == 2


def test_a_folder_of_stores_stands_for_them(store: Path, tmp_path: Path):
    shutil.copytree(store, tmp_path / "other")
    (tmp_path / "nothing").mkdir()
    assert stores_in(tmp_path) == [tmp_path / "other", store]
    assert stores_in(store) == [store]
    assert stores_in(tmp_path / "nothing") == [tmp_path / "nothing"]
    assert stores_in(tmp_path / "not there") == [tmp_path / "not there"]


def test_nothing_is_found_in_no_store(tmp_path: Path):
    view = StoreReader([tmp_path / "none"]).read()
    assert (view.records, view.notices) == ((), ())
    with pytest.raises(RecordError, match="no run 'x' in"):
        view.full("x")
