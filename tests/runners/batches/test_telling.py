"""A batch tells beside its records where it stands; whether it lives is asked of its lock."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from runners.batches.batch import run_batch
from runners.jobs.measured import Step
from runners.records.progress import Progress, drop_dead, progress_file, read_progress, take
from runners.records.store import JOURNALS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runners.conftest import Bench

TOLD: dict[str, Any] = {
    "batch": "b", "command": "weighin run a", "started_at": "2026-01-01T00:00:00+00:00",
    "heard_at": 1.0, "jobs": 3, "position": 1, "candidate": "a", "repeat": 0, "phase": "scoring",
    "task": "boolq", "workload": "", "done": 34, "total": 40, "left_s": 180.0, "runs": [],
    "keys": ["k"],
}  # fmt: skip


def left(root: Path, **changes: Any) -> Path:
    """What a batch that was killed leaves."""
    told = Progress(**{**TOLD, **changes})
    path = progress_file(root, told.batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told.model_dump_json(exclude={"alive"}) + "\nold rest of a longer line")
    return path


def test_while_it_runs_it_says_where_it_stands(bench: Bench) -> None:
    seen: list[Progress] = []

    def look(job: Any, step: Step) -> None:
        seen.extend(read_progress(bench.store.root))

    jobs = bench.jobs(bench.fake("a"), bench.fake("b"))
    ended = [one.record.run_id for one in run_batch(jobs, bench.options(command="w run"), look)]
    assert {one.alive for one in seen} == {True}
    assert {(one.jobs, one.command, one.batch) for one in seen} == {(2, "w run", jobs[0][0].batch)}
    # Two candidates, each with four tasks: phases are told in order, the first's run once it ended.
    assert list(dict.fromkeys((one.position, one.candidate) for one in seen)) == [
        (0, "a"),
        (1, "b"),
    ]
    assert {tuple(one.runs) for one in seen} == {(), (ended[0],)}
    scoring = [one for one in seen if one.phase == "scoring" and one.task]
    assert {one.task for one in scoring} >= {"tiny_choice", "tiny_cloze"}
    assert {one.total for one in scoring if one.task == "tiny_choice"} == {
        sum(len(task.items) for task in bench.tasks.values())
    }
    assert list((bench.store.root / JOURNALS).iterdir()) == []


def test_an_interrupted_one_stays_with_the_command_that_resumes_it(bench: Bench) -> None:
    def stop(job: Any, step: Step) -> None:
        if (job.candidate.name, step.phase) == ("b", "scoring"):
            raise KeyboardInterrupt

    jobs = bench.jobs(*(bench.fake(name) for name in "abc"))
    options = bench.options(command="weighin run 'a b' --fresh --suite x", fresh=True)
    first, _ = run_batch(jobs, options, stop)
    (found,) = read_progress(bench.store.root)
    assert not found.alive
    assert (found.position, found.phase, found.jobs) == (1, "scoring", 3)
    assert found.command == "weighin run 'a b' --suite x"
    assert found.runs[0] == first.record.run_id
    assert found.keys == [job.key for job, _ in jobs[1:]]
    # The same jobs again take it up, and so it goes.
    assert len(list(run_batch(jobs, bench.options(), lambda *_: None))) == 3
    assert list(read_progress(bench.store.root)) == []


def test_one_that_broke_off_stays_and_one_that_was_given_up_does_not(bench: Bench) -> None:
    def broken(job: Any, step: Step) -> None:
        if step.phase == "scoring":
            raise RuntimeError("a bug")

    jobs = bench.jobs(bench.fake("a"), bench.fake("b"))
    with pytest.raises(RuntimeError):
        list(run_batch(jobs, bench.options(), broken))
    assert [one.phase for one in read_progress(bench.store.root)] == ["scoring"]
    outcomes = run_batch(jobs, bench.options(), lambda *_: None)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]  # a generator's
    assert list(read_progress(bench.store.root)) == []


def test_one_that_was_killed_is_dead_and_one_that_holds_its_lock_lives(tmp_path: Path) -> None:
    path = left(tmp_path)
    assert [one.alive for one in read_progress(tmp_path)] == [False]
    handle = os.open(path, os.O_RDWR)
    try:
        take(handle)
        # Two readers see the same, one after the other or at once.
        assert [one.alive for one in read_progress(tmp_path)] == [True]
        assert [one.alive for one in read_progress(tmp_path)] == [True]
    finally:
        os.close(handle)
    assert [one.alive for one in read_progress(tmp_path)] == [False]


def test_what_was_measured_since_is_forgotten_and_the_rest_is_not(tmp_path: Path) -> None:
    left(tmp_path, batch="one", keys=["a"])
    left(tmp_path, batch="two", keys=["a", "b"])
    drop_dead(tmp_path, ["a"])
    assert [one.batch for one in read_progress(tmp_path)] == ["two"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", "{}", '{"batch": "other"}', "\xff\xfe", '{"batch": "b", "jobs": -1}'],
)
def test_what_cannot_be_read_is_left_out(tmp_path: Path, content: str) -> None:
    left(tmp_path).write_text(content, encoding="latin-1")
    assert list(read_progress(tmp_path)) == []


def test_a_file_under_anothers_name_is_left_out(tmp_path: Path) -> None:
    left(tmp_path).rename(progress_file(tmp_path, "c"))
    (tmp_path / JOURNALS / "folder.running").mkdir()
    assert list(read_progress(tmp_path)) == []


def test_a_store_that_cannot_be_told_in_is_measured_all_the_same(bench: Bench) -> None:
    jobs = bench.jobs(bench.fake("a"))
    progress_file(bench.store.root, jobs[0][0].batch).mkdir(parents=True)
    (outcome,) = run_batch(jobs, bench.options(), lambda *_: None)
    assert outcome.record.status == "completed"


def test_where_the_file_system_has_no_locks_it_lives_while_it_is_heard_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    left(tmp_path, heard_at=time.time())
    assert [one.alive for one in read_progress(tmp_path)] == [True]
    left(tmp_path, heard_at=time.time() - 3600)
    assert [one.alive for one in read_progress(tmp_path)] == [False]
