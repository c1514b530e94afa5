"""A folder of records: found again, never half written, and one line when it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evals.errors import RecordError
from runners.jobs.journal import Journal
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.store import RECORD, SAMPLES, Store, default_store

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
ROWS = pa.table({"task": ["t", "t"], "doc_id": pa.array([0, 1], pa.int32())})


def record(
    run_id: str, *, candidate: str = "fake", key: str = "", status: str = "completed"
) -> Record:
    one = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    return one.model_copy(
        update={
            "run_id": run_id,
            "status": status,
            "candidate": one.candidate.model_copy(update={"name": candidate}),
            "job": one.job.model_copy(update={"key": key or run_id[-8:] + "f" * 8}),
        }
    )


FIRST = record("20260101T000000-a-11111111", candidate="a")
SECOND = record("20260102T000000-b-22222222", candidate="b")
THIRD = record("20260103T000000-a-11111111", candidate="a", status="failed")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "a störe with spaces")
    for one in (SECOND, FIRST, THIRD):
        found.add(one, ROWS)
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB that root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this system does not let root mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# What is written is found again.


def test_there_and_back(store: Store):
    assert store.run_ids() == [FIRST.run_id, SECOND.run_id, THIRD.run_id]  # by time
    assert store.read(FIRST.run_id) == FIRST
    assert list(store.records()) == [FIRST, SECOND, THIRD]
    assert store.samples(FIRST.run_id).equals(ROWS)
    assert store.samples(FIRST.run_id, ["doc_id"]).column_names == ["doc_id"]


@pytest.mark.parametrize(
    ("text", "run"),
    [
        (FIRST.run_id, FIRST),
        ("20260102", SECOND),
        ("22222222", SECOND),
        ("b-22222222", SECOND),
        ("a", THIRD),  # a candidate: its newest run
        ("b", SECOND),
    ],
)
def test_a_run_is_found_by_what_names_it(store: Store, text: str, run: Record):
    assert store.find(text) == run


def test_a_name_that_means_several_runs_or_none(store: Store):
    one_of = rf"'11111111' is not one run: .*{THIRD.run_id}; give more"
    with pytest.raises(RecordError, match=one_of):
        store.find("11111111")
    with pytest.raises(RecordError, match=rf'no run .* \(did you mean "{FIRST.run_id}"'):
        store.find("20260101T000000-a-11111112")
    with pytest.raises(RecordError, match="no run 'a' in "):
        Store(store.root / "nowhere").find("a")


def test_what_already_run_means(store: Store):
    # THIRD has FIRST's key and is newer, but failed.
    assert store.answered(FIRST.job.key) == FIRST
    assert store.answered(FIRST.job.key[:8] + "00000000") is None  # the same first digits only
    again = record("20260104T000000-a-11111111", candidate="a")
    store.add(again, None)
    assert store.answered(FIRST.job.key) == again
    (store.root / again.run_id / RECORD).write_text("{")
    assert store.answered(FIRST.job.key) == FIRST


def test_a_new_run_is_named_by_time_candidate_and_job(store: Store):
    name = store.new_run_id("[red]x[/red] ../Größe", "0123456789abcdef")
    assert name.endswith("-red-x-red-..-Gr-e-01234567")
    store.add(record(name), None)
    assert store.new_run_id("[red]x[/red] ../Größe", "0123456789abcdef") != name
    assert store.new_run_id("…", "0123456789abcdef").endswith("-candidate-01234567")


# What is not a record stands in nobody's way.


def test_temporary_folders_and_strangers_are_not_listed(store: Store):
    for name in (".tmp-20260105T000000-c-33333333", ".journal", "notes", "20260105"):
        (store.root / name).mkdir()
    (store.root / "20260105T000000-c-33333333").write_text("a file")
    assert len(store.run_ids()) == 3


@pytest.mark.parametrize("run_id", ["../x", "..", "/etc/passwd", "", "a", FIRST.run_id + "/../x"])
def test_a_path_is_not_a_run_id(store: Store, run_id: str):
    with pytest.raises(RecordError, match="is not a run id"):
        store.read(run_id)
    with pytest.raises(RecordError):
        store.find(run_id.replace("a", "zz") or "zz")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damaged: not JSON"),
        (b'{"schema_version": 1, "run', "damaged: not JSON"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"name": "left-pad"}', "not a record of Weighin"),
        (b'{"schema_version": 99}', "upgrade weighin"),
        (SECOND.model_dump_json().encode(), f"is the record of '{SECOND.run_id}', in another's"),
    ],
)
def test_one_bad_record_does_not_hide_the_others(store: Store, content: bytes, says: str):
    (store.root / FIRST.run_id / RECORD).write_bytes(content)
    bad, *good = store.records()
    assert good == [SECOND, THIRD]
    assert isinstance(bad, RecordError)
    assert says in str(bad)
    assert str(store.root / FIRST.run_id / RECORD) in str(bad)
    assert "\n" not in str(bad)


def test_missing_pieces(store: Store):
    (store.root / FIRST.run_id / SAMPLES).unlink()
    with pytest.raises(RecordError, match=r"samples\.parquet: is not there"):
        store.samples(FIRST.run_id)
    (store.root / FIRST.run_id / RECORD).unlink()
    with pytest.raises(RecordError, match=f"no run '{FIRST.run_id}' in "):
        store.read(FIRST.run_id)
    (store.root / SECOND.run_id / SAMPLES).write_bytes(b"PAR1 and no more")
    with pytest.raises(RecordError, match=r"samples\.parquet: cannot be read"):
        store.samples(SECOND.run_id)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
@pytest.mark.parametrize("name", [RECORD, SAMPLES])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(store: Store, name: str):
    (store.root / FIRST.run_id / name).unlink()
    os.mkfifo(store.root / FIRST.run_id / name)
    with pytest.raises(RecordError, match="is not a regular file"):
        store.samples(FIRST.run_id)


def test_more_rows_than_the_record_speaks_of_are_not_read(store: Store):
    table = store.samples(FIRST.run_id)
    path = store.root / FIRST.run_id / SAMPLES
    many = pa.concat_tables([table] * 100)
    pq.write_table(many, path)
    with pytest.raises(RecordError, match=r"damaged: [0-9,]+ rows .* its record has [0-9,]+ items"):
        store.samples(FIRST.run_id)
    wide = table.set_column(0, "task", pa.array([7] * len(table)))
    pq.write_table(wide, path)
    with pytest.raises(RecordError, match="damaged: its column task is int64, not string"):
        store.samples(FIRST.run_id)


def test_numbers_of_another_width_are_read_as_ours(store: Store):
    path = store.root / FIRST.run_id / SAMPLES
    columns = {"task": ["t", "t"], "doc_id": [0, 1], "metric.acc": [0.1, 1.0]}
    pq.write_table(pa.table(columns), path)  # 64 bits each
    table = store.samples(FIRST.run_id)
    assert [column.type for column in table.columns] == [pa.string(), pa.int32(), pa.float32()]
    pq.write_table(pa.table({"task": ["t"], "doc_id": [2**40]}), path)
    with pytest.raises(RecordError, match=r"damaged: its column doc_id: .* not in range"):
        store.samples(FIRST.run_id)


def test_a_store_that_is_not_there_is_empty(tmp_path: Path):
    assert Store(tmp_path / "none").run_ids() == []
    assert list(Store(tmp_path / "none").records()) == []


def test_a_store_that_cannot_be_looked_at_is_one_line(tmp_path: Path):
    with pytest.raises(RecordError, match="cannot be read \\(File name too long\\)"):
        Store(tmp_path / ("x" * 300)).run_ids()


# Disks.


def test_a_store_below_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("")
    below = Store(tmp_path / "file" / "store")
    for act in (below.create, lambda: below.add(FIRST, None)):
        with pytest.raises(RecordError, match="cannot be written") as caught:
            act()
        assert "\n" not in str(caught.value)
    with pytest.raises(RecordError, match=r"cannot be written \(Not a directory\)"):
        Journal(below.root, "k").open(fresh=False, wait_s=0)


def test_creating_leaves_nothing_behind(tmp_path: Path):
    Store(tmp_path / "s").create()
    assert list((tmp_path / "s").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(small_disk: Path):
    store = Store(small_disk)
    store.add(FIRST, ROWS)
    many = pa.table({"noise": [os.urandom(1024) for _ in range(200)]})  # 200 KiB, incompressible
    with pytest.raises(RecordError, match="No space left on device") as caught:
        store.add(SECOND, many)
    assert "\n" not in str(caught.value)
    assert [path.name for path in small_disk.iterdir()] == [FIRST.run_id]
    assert list(store.records()) == [FIRST]
    store.add(THIRD, None)  # what was half written has given its room back


def test_a_full_disk_keeps_what_the_journal_has(small_disk: Path):
    journal = Journal(small_disk, "key")
    journal.open(fresh=False, wait_s=0)
    journal.append({"kind": "start"})
    with pytest.raises(RecordError, match=r"No space left .*make room and run the same command"):
        journal.append({"kind": "window", "answer": "x" * 200_000})
    assert journal.find("window") == []
    journal.close(done=False)
    again = Journal(small_disk, "key")
    again.open(fresh=False, wait_s=0)
    assert again.events == [{"kind": "start"}]
    again.append({"kind": "window"})  # the torn line has given its room back
    again.close(done=True)


def test_a_read_only_store(small_disk: Path):
    store = Store(small_disk)
    store.add(FIRST, ROWS)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for act in (
        store.create,
        lambda: store.add(SECOND, ROWS),
        lambda: Journal(small_disk, "key").open(fresh=False, wait_s=0),
    ):
        with pytest.raises(RecordError, match=r"cannot be written \(Read-only file system\)"):
            act()
    assert list(store.records()) == [FIRST]
    assert store.samples(FIRST.run_id).equals(ROWS)


def test_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert default_store() == tmp_path / "weighin-results"
    (tmp_path / "evals" / "catalog").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    assert default_store() == tmp_path / "results" / "runs"


def test_two_writers_of_one_name_both_keep_their_record(store: Store):
    # A failed fetch is stored without the job's lock, so two batches may take one name.
    first = store.add(record("20260101T000000-a-01234567"), None)
    second = store.add(record("20260101T000000-a-01234567"), None)
    assert first != second
    stored = [path.name for path in (first, second)]
    assert [store.read(run_id).run_id for run_id in stored] == stored
