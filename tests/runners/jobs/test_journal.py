"""The journal of an unfinished job: what a kill leaves is read, what it cut is not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from evals.errors import RecordError
from runners.jobs.journal import FILE, Journal

FIRST, SECOND = {"kind": "start"}, {"kind": "window", "n": 2}
# Takes a job's lock, says so, and holds it until its stdin is closed.
HOLDER = """
import sys
from pathlib import Path
from runners.jobs.journal import FILE, Journal
journal = Journal(Path(sys.argv[1]), "key")
journal.open(fresh=False, wait_s=0)
print("held", flush=True)
sys.stdin.read()
journal.close(done=sys.argv[2] == "done")
"""


def opened(store: Path, *, fresh: bool = False, wait_s: float = 0) -> Journal:
    journal = Journal(store, "key")
    journal.open(fresh=fresh, wait_s=wait_s)
    return journal


def path_of(store: Path) -> Path:
    return store / ".journal" / "key" / FILE


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A store with the journal of a job that was interrupted after two events."""
    journal = opened(tmp_path)
    journal.append(FIRST)
    journal.append(SECOND)
    journal.close(done=False)
    return tmp_path


def test_events_come_back_in_order(left: Path):
    journal = opened(left)
    assert journal.events == [FIRST, SECOND]
    assert journal.find("window") == [SECOND]
    journal.close(done=False)


@pytest.mark.parametrize("torn", [b'{"kind": "win', b"x", b'{"kind": "window", "n": 3}'])
def test_a_last_line_without_its_end_is_dropped(left: Path, torn: bytes):
    whole = path_of(left).read_bytes()
    path_of(left).write_bytes(whole + torn)
    journal = opened(left)
    assert journal.events == [FIRST, SECOND]
    assert path_of(left).read_bytes() == whole
    journal.append({"kind": "next"})
    journal.close(done=False)
    again = opened(left)
    assert again.events == [FIRST, SECOND, {"kind": "next"}]
    again.close(done=False)


@pytest.mark.parametrize("garbage", [b"\x00\x00\x00", b"\xff\xfe", b"{]", b""])
def test_after_a_damaged_line_nothing_is_believed(tmp_path: Path, garbage: bytes):
    path_of(tmp_path).parent.mkdir(parents=True)
    path_of(tmp_path).write_bytes(b'{"kind": "start"}\n' + garbage + b'\n{"kind": "late"}\n')
    journal = opened(tmp_path)
    assert journal.events == [FIRST]
    journal.append(SECOND)
    journal.close(done=False)
    again = opened(tmp_path)
    assert again.events == [FIRST, SECOND]
    again.close(done=False)


@pytest.mark.parametrize("line", [b"[]", b"1", b'"text"'])
def test_json_that_is_no_event_is_passed_over(tmp_path: Path, line: bytes):
    path_of(tmp_path).parent.mkdir(parents=True)
    path_of(tmp_path).write_bytes(line + b'\n{"kind": "start"}\n')
    journal = opened(tmp_path)
    assert journal.events == [FIRST]
    journal.close(done=False)


def test_fresh_forgets(left: Path):
    journal = opened(left, fresh=True)
    assert journal.events == []
    assert not path_of(left).exists()
    journal.close(done=False)


def test_a_job_that_is_done_leaves_nothing(left: Path):
    opened(left).close(done=True)
    assert list((left / ".journal").iterdir()) == []


def test_the_job_of_another_process(left: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(left), "not done"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        started = time.perf_counter()
        with pytest.raises(RecordError, match="another weighin is running this job"):
            opened(left, wait_s=0.1)
        assert time.perf_counter() - started < 5
        holder.kill()  # the system gives a dead process's lock back
        holder.wait()
        journal = opened(left, wait_s=5)
        assert journal.events == [FIRST, SECOND]
        journal.close(done=True)


def test_who_waited_for_a_job_that_got_done_can_write(left: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(left), "done"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        journal = Journal(left, "key")
        with pytest.raises(RecordError):
            journal.open(fresh=False, wait_s=0)
        holder.stdin.close()
        journal.open(fresh=True, wait_s=10)
        journal.append(FIRST)
        assert opened_elsewhere(left)
        journal.close(done=True)


def opened_elsewhere(store: Path) -> bool:
    """Whether a second holder is kept out, though the first one's lock file was removed."""
    with pytest.raises(RecordError, match="another weighin"):
        opened(store, wait_s=0.1)
    return True
