"""What gc takes for left over, and that it removes nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from runners.cleanup.leftovers import (
    CacheContent,
    QuantizedFolder,
    State,
    StoreContent,
    StoredJournal,
    StoredRun,
    Temporary,
    plan,
    superseded,
)
from runners.cleanup.survey import Leftover, cache_content, remove, store_content
from runners.cli.gc import command
from runners.jobs.journal import FILE, Journal
from runners.records.progress import Progress, progress_file, read_progress, take
from runners.records.record import Record
from runners.records.store import Store
from tests.support.groups import needs_groups

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
DAY_S = 86_400.0
KEY, OTHER = "a" * 16, "b" * 16


def a_run(day: int, state: State, key: str | None = KEY) -> StoredRun:
    run_id = f"202601{day:02d}T000000-x-{(key or 'damaged')[:8]}"
    return StoredRun(run_id=run_id, path=Path(run_id), bytes=day, state=state, job_key=key)


def leftovers(
    *runs: StoredRun,
    journals: tuple[StoredJournal, ...] = (),
    temporary: tuple[Temporary, ...] = (),
    quantized: tuple[QuantizedFolder, ...] = (),
    logits: tuple[Temporary, ...] = (),
    quantiser: str | None = "0.3.36",
) -> list[str]:
    """The paths of what could go."""
    store = StoreContent(root=Path(), runs=runs, journals=journals, temporary=())
    cache = CacheContent(
        root=Path(), part_bytes={}, quantized=quantized, temporary=temporary, logits=logits
    )
    return [str(one.path) for one in plan(store, cache, quantiser=quantiser)]


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_what_was_completed_later_replaces_what_failed(state: State):
    first, last = a_run(1, state), a_run(2, "completed")
    assert leftovers(first, last) == [first.run_id]


def test_a_failure_after_the_completed_run_is_news():
    assert leftovers(a_run(1, "completed"), a_run(2, "failed")) == []


def test_a_failure_that_only_failures_follow_is_kept():
    assert leftovers(a_run(1, "failed"), a_run(2, "failed")) == []


def test_another_job_replaces_nothing():
    assert leftovers(a_run(1, "failed", OTHER), a_run(2, "completed")) == []


def test_completed_and_unreadable_records_are_never_left_over():
    runs = [a_run(1, "completed"), a_run(2, "unreadable", None), a_run(3, "completed")]
    assert leftovers(*runs) == []


def test_superseded_is_what_has_a_newer_record_of_its_job():
    runs = [a_run(1, "completed"), a_run(2, "completed", OTHER), a_run(3, "completed")]
    assert superseded([*runs, a_run(4, "unreadable", None)]) == {runs[0].run_id}


def test_the_journal_of_a_completed_job_can_go():
    journals = tuple(StoredJournal(job_key=k, path=Path(k), bytes=1) for k in (KEY, OTHER))
    assert leftovers(a_run(1, "completed"), a_run(2, "failed", OTHER), journals=journals) == [KEY]


def test_temporary_folders_go_after_a_day():
    young = Temporary(path=Path("young"), bytes=1, age_s=DAY_S)
    old = Temporary(path=Path("old"), bytes=1, age_s=DAY_S + 1)
    assert leftovers(temporary=(young, old)) == ["old"]


def test_quantised_files_of_another_version_can_go():
    made = tuple(QuantizedFolder(path=Path(v), bytes=1, version=v) for v in ("0.3.36", "0.3.9"))
    assert leftovers(quantized=made) == ["0.3.9"]
    # Without the package nobody can say which are wanted.
    assert leftovers(quantized=made, quantiser=None) == []


def test_logits_that_nobody_used_for_a_month_can_go():
    used = Temporary(path=Path("used"), bytes=1, age_s=30 * DAY_S)
    unused = Temporary(path=Path("unused"), bytes=1, age_s=30 * DAY_S + 1)
    assert leftovers(logits=(used, unused)) == ["unused"]


def add(store: Store, day: int, status: str, key: str = KEY) -> Path:
    """A record with one row of samples."""
    content: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    run_id = f"202601{day:02d}T000000-x-{key[:8]}"
    content |= {"run_id": run_id, "status": status, "job": {**content["job"], "key": key}}
    return store.add(Record.model_validate(content), pa.table({"task": ["a"]}))


def aged(folder: Path, days: float) -> Path:
    """A folder with one file, both of that age."""
    folder.mkdir(parents=True)
    (folder / "part").write_bytes(b"12345")
    then = time.time() - days * DAY_S
    for path in (folder / "part", folder):
        os.utime(path, (then, then))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def gc(store: Store, *arguments: str) -> Result:
    return CliRunner().invoke(
        command, ["--store", str(store.root), *arguments], standalone_mode=False
    )


def test_everything_at_once(store: Store, cache: Path):
    failed, done = add(store, 1, "failed"), add(store, 2, "completed")
    journal = store.root / ".journal" / KEY
    journal.mkdir(parents=True)
    (journal / FILE).write_text('{"kind": "x"}\n')
    stale = aged(store.root / ".tmp-20260101T000000-x", 2)
    fresh = aged(cache / "tmp" / "fresh", 0)
    old = aged(cache / "tmp" / "old", 1.1)
    other = aged(cache / "quantized" / f"{'0' * 16}-Q4_0-0.0.1", 0)
    foreign = aged(cache / "quantized" / "of-somebody-else", 9)
    unused, used = aged(cache / "logits" / "unused", 31), aged(cache / "logits" / "used", 29)
    said = gc(store, "--dry-run")
    assert f"failed, and completed later by {done.name}" in said.stdout
    assert all(path.exists() for path in (failed, journal, stale, old, other))
    done_now = gc(store, "--yes")
    assert done_now.return_value == 0, done_now.stderr
    assert "freed" in done_now.stdout
    assert not any(path.exists() for path in (failed, journal, stale, old, unused))
    assert all(path.exists() for path in (done, fresh, foreign, used))
    assert "nothing is left over" in gc(store, "--yes").stdout


def test_nobody_to_ask_means_nothing_is_removed(store: Store, cache: Path):
    failed = add(store, 1, "failed")
    add(store, 2, "completed")
    said = gc(store)
    assert failed.exists()
    assert "--yes removes it" in said.stderr


def test_json_says_what_was_removed_and_freed(store: Store, cache: Path):
    failed = add(store, 1, "failed")
    size = sum(path.stat().st_size for path in failed.iterdir())
    add(store, 2, "completed")
    report = json.loads(gc(store, "--yes", "--json").stdout)
    assert report["freed_bytes"] == size
    assert [(one["kind"], one["removed"]) for one in report["leftovers"]] == [("record", True)]
    assert {"what": "store: failed", "folders": 1, "bytes": size} in report["sizes"]


def test_a_journal_that_is_being_written_stays(store: Store, cache: Path):
    add(store, 1, "completed")
    journal = Journal(store.root, KEY)
    journal.open(fresh=True, wait_s=0)
    try:
        said = gc(store, "--yes")
        assert said.return_value == 3
        assert "another weighin is running this job" in said.stderr
        assert (store.root / ".journal" / KEY).is_dir()
    finally:
        journal.close(done=True)


def test_links_are_neither_followed_nor_removed(store: Store, cache: Path, tmp_path: Path):
    outside = aged(tmp_path / "outside", 9)
    inside = aged(cache / "tmp" / "old", 9)
    (cache / "tmp" / "link").symlink_to(outside)
    (inside / "link").symlink_to(outside)
    os.utime(inside, (0, 0))
    (cache / "quantized").symlink_to(outside)
    elsewhere = Store(tmp_path / "elsewhere")
    failed = add(elsewhere, 1, "failed")
    add(store, 2, "completed")
    (store.root / failed.name).symlink_to(failed)
    assert gc(store, "--yes").return_value == 0
    assert not inside.exists()
    assert (outside / "part").exists()
    assert (failed / "record.json").exists()
    assert (cache / "tmp" / "link").is_symlink()


def test_nothing_outside_is_removed_whatever_is_asked(store: Store, cache: Path, tmp_path: Path):
    outside = aged(tmp_path / "outside" / "folder", 9)
    store.create()
    asked = [outside, store.root / ".." / "outside" / "folder", store.root, store.root / "gone"]
    for path in asked:
        one = Leftover(kind="temporary", path=path, bytes=0, why="")
        assert remove(one, store=store.root, cache=cache) is not None
    assert outside.exists()
    assert store.root.exists()


def test_a_store_and_a_cache_that_do_not_exist_are_empty(store: Store, cache: Path):
    assert store_content(store).runs == []
    assert sum(cache_content(cache).part_bytes.values()) == 0
    assert not store.root.exists()
    assert not cache.exists()


def test_a_damaged_record_is_counted_and_kept(store: Store, cache: Path):
    folder = add(store, 1, "completed")
    (folder / "record.json").write_text("{")
    report = json.loads(gc(store, "--yes", "--json").stdout)
    unreadable = next(s for s in report["sizes"] if s["what"] == "store: unreadable")
    assert unreadable["folders"] == 1
    assert folder.exists()


@needs_groups
def test_the_group_of_a_weighin_that_was_killed(store: Store, cache: Path):
    script = (
        "import os, signal\n"
        "from runners.compute.limits import Allowance, limited\n"
        "with limited(Allowance(memory_bytes=1 << 26)) as limit:\n"
        "    print(limit.groups[0], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    try:
        said = gc(store, "--dry-run")
        assert f"in {left.parent}:\n  {left.name} (" in said.stdout
        assert left.is_dir()
        gc(store, "--yes")
        assert not left.exists()
    finally:
        if left.exists():
            left.rmdir()


def test_what_a_killed_process_left_beside_baselines_and_gates(tmp_path: Path):
    store, base = Store(tmp_path / "store"), tmp_path / "base"
    for path in (base / "b", base / ".b.old", base / ".tmp-b-1", base / ".c.old",
                 store.root / "gates" / "20260101T000000-1" / ".tmp-x"):  # fmt: skip
        path.mkdir(parents=True)
    (store.root / ".tmp-report").write_text("half")
    for path in (base / ".tmp-b-1", store.root / ".tmp-report"):
        os.utime(path, (time.time() - 2 * DAY_S,) * 2)
    content = store_content(store, base)
    found = plan(content, cache_content(tmp_path / "cache"), quantiser=None)
    # Not .c.old: nothing is in its place, so it gets its name back. Not the gate's: it is of now.
    assert [one.path for one in found] == [
        store.root / ".tmp-report",
        base / ".b.old",
        base / ".tmp-b-1",
    ]
    for one in found:
        assert remove(one, store=store.root, cache=tmp_path / "cache", baselines=base) is None
    assert sorted(path.name for path in base.iterdir()) == [".c.old", "b"]
    assert not (store.root / ".tmp-report").exists()


def test_what_a_batch_that_died_told_goes_after_a_day_and_one_that_runs_stays(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store")
    for batch in ("dead", "fresh", "runs"):
        path = progress_file(store.root, batch)
        path.parent.mkdir(parents=True, exist_ok=True)
        told = Progress(
            batch=batch, command="weighin run a", started_at="2026-01-01", heard_at=1.0, jobs=1,
            position=0, candidate="a", repeat=0, phase="load", task="", workload="", done=0,
            total=0, runs=[], keys=["k"],
        )  # fmt: skip
        path.write_text(told.model_dump_json(exclude={"alive"}) + "\n")
        if batch != "fresh":
            os.utime(path, (1.0, 1.0))
    handle = os.open(progress_file(store.root, "runs"), os.O_RDWR)
    take(handle)
    try:
        left = plan(store_content(store), cache_content(tmp_path / "cache"), quantiser=None)
        assert [one.path.name for one in left] == ["dead.running"]
        assert remove(left[0], store=store.root, cache=tmp_path / "cache") is None
        assert sorted(one.batch for one in read_progress(store.root)) == ["fresh", "runs"]
    finally:
        os.close(handle)
