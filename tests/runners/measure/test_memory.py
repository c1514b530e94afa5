"""Against real children, on Linux; elsewhere only psutil's calls are run."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evals.errors import MeasureError
from runners.measure import linux, portable
from runners.measure.memory import (
    MemoryMark,
    MemorySampler,
    PhaseMemory,
    peak_so_far,
    read_peak,
    reset_peak,
)

MIB = 2**20
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/PID/status")

# Obeys a line at a time, and answers when it is done. `hold` touches anonymous pages in steps, so
# that no second copy of them exists; `map` touches every page of a file; `spawn` starts a
# grandchild that holds as much.
CHILD = """
import mmap, subprocess, sys
kept = {}
for line in sys.stdin:
    word, *rest = line.split()
    if word == "hold":
        kept["anon"] = mmap.mmap(-1, int(rest[0]) << 20, flags=mmap.MAP_PRIVATE)
        for at in range(0, len(kept["anon"]), 4096):
            kept["anon"][at] = 1
    elif word == "free":
        kept.pop("anon").close()
    elif word == "map":
        with open(rest[0], "rb") as file:
            kept["file"] = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        sum(kept["file"][at] for at in range(0, len(kept["file"]), 4096))
    elif word == "spawn":
        kept["grandchild"] = subprocess.Popen(
            [sys.executable, "-c",
             "m = bytearray(int(%s) << 20); print(1, flush=True); input()" % rest[0]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        kept["grandchild"].stdout.readline()
    elif word == "reap":
        kept.pop("grandchild").communicate(b"\\n")
    print("done", flush=True)
"""


class Child:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.pid = process.pid

    def do(self, order: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@contextmanager
def child() -> Iterator[Child]:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        one = Child(process)
        one.do("ready")
        yield one


def anon(phase: PhaseMemory) -> int:
    assert phase.anon_bytes is not None
    return phase.anon_bytes


def file(phase: PhaseMemory) -> int:
    assert phase.file_bytes is not None
    return phase.file_bytes


@on_linux
def test_a_spike_shows_until_the_mark_is_reset() -> None:
    with child() as one:
        before = read_peak(one.pid)
        one.do("hold 64")
        held = read_peak(one.pid)
        one.do("free")
        freed = read_peak(one.pid)
        assert reset_peak(one.pid)
        after = read_peak(one.pid)
    assert held.peak_bytes - before.peak_bytes == pytest.approx(64 * MIB, abs=2 * MIB)
    assert anon(held) - anon(before) == pytest.approx(64 * MIB, abs=2 * MIB)
    # The kernel's mark remembers, but from a counter that each core adds to in batches of 32 pages
    # (more on more cores), while `held` was counted exactly: it may come out a little lower.
    assert freed.peak_bytes == pytest.approx(held.peak_bytes, abs=MIB)
    assert anon(freed) - anon(before) == pytest.approx(0, abs=2 * MIB)
    assert after.peak_bytes == pytest.approx(before.peak_bytes, abs=2 * MIB)
    assert after.source == "VmHWM"
    assert after.split_unknown is None


@on_linux
def test_each_phase_has_a_peak_of_its_own() -> None:
    with child() as one:
        mark = MemoryMark(one.pid)
        baseline = mark.end_phase()
        one.do("hold 64")
        one.do("free")
        load = mark.end_phase()
        latency = mark.end_phase()
    assert load.peak_bytes - baseline.peak_bytes == pytest.approx(64 * MIB, abs=2 * MIB)
    assert latency.peak_bytes == pytest.approx(baseline.peak_bytes, abs=2 * MIB)


@on_linux
def test_mapped_files_are_file_bytes(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"x" * (32 * MIB))
    with child() as one:
        before = read_peak(one.pid)
        one.do(f"map {weights}")
        mapped = read_peak(one.pid)
    assert file(mapped) - file(before) == pytest.approx(32 * MIB, abs=MIB)
    assert anon(mapped) - anon(before) == pytest.approx(0, abs=MIB)
    assert mapped.peak_bytes - before.peak_bytes >= 31 * MIB


@on_linux
def test_descendants_are_counted_and_reset() -> None:
    with child() as one:
        before = read_peak(one.pid)
        one.do("spawn 48")
        both = read_peak(one.pid)
        assert reset_peak(one.pid)
        one.do("reap")
        after = read_peak(one.pid)
    assert both.peak_bytes - before.peak_bytes >= 48 * MIB
    assert after.peak_bytes < before.peak_bytes + 4 * MIB
    assert both.source == "VmHWM of 2 processes, summed (an upper bound)"
    assert (before.source, after.source) == ("VmHWM", "VmHWM")


@on_linux
def test_a_process_that_is_gone() -> None:
    with child() as one:
        assert one.process.stdin is not None
        one.process.stdin.close()
        deadline = time.monotonic() + 10
        while "State:\tZ" not in Path(f"/proc/{one.pid}/status").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # Dead and not yet waited for: /proc still has it, without memory.
        for measure in (read_peak, reset_peak):
            with pytest.raises(MeasureError, match=f"process {one.pid} has exited"):
                measure(one.pid)
        one.process.wait()
        with pytest.raises(MeasureError, match="has exited"):
            MemoryMark(one.pid).end_phase()


@on_linux
def test_a_kernel_without_the_mark_has_no_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    # What gVisor's /proc/PID/status has of memory.
    (tmp_path / "self" / "status").write_text("VmSize:\t 9 kB\nVmRSS:\t 7 kB\nVmData:\t 5 kB\n")
    monkeypatch.setattr(linux, "PROC", tmp_path)
    assert MemoryMark(1).end_phase() is None
    assert peak_so_far(1) is None


def test_a_mark_that_could_not_be_reset_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child() as one:
        # A /proc that lets itself be read, and whose clear_refs cannot be written.
        (tmp_path / str(one.pid) / "clear_refs").mkdir(parents=True)
        (tmp_path / str(one.pid) / "status").write_text("VmHWM:\t 1700 kB\nVmRSS:\t 1600 kB\n")
        shutil.copytree(tmp_path / str(one.pid), tmp_path / "self")
        monkeypatch.setattr(linux, "PROC", tmp_path)
        assert not reset_peak(one.pid)
        mark = MemoryMark(one.pid)
        first, second = mark.end_phase(), mark.end_phase()
    assert first.source == "VmHWM"  # since the process started: nothing to reset yet
    assert second.source == "VmHWM, not reset between phases"
    assert (second.anon_bytes, second.file_bytes) == (None, None)
    assert second.split_unknown == "this system does not split resident memory"


@on_linux
def test_the_sampler_sees_what_is_held_and_rests_when_paused() -> None:
    with child() as one, MemorySampler(one.pid, interval_s=0.01) as sampler:
        assert sampler.series == ()  # it starts paused
        sampler.resume()
        _wait_for_points(sampler, 3)
        sampler.pause()
        one.do("hold 64")
        seen = len(sampler.series)
        time.sleep(0.1)
        assert len(sampler.series) == seen
        sampler.resume()
        _wait_for_points(sampler, seen + 3)
        sampler.pause()
        first, last = sampler.series[0], sampler.series[-1]
    assert last.rss_bytes - first.rss_bytes == pytest.approx(64 * MIB, abs=2 * MIB)
    assert last.anon_bytes is not None
    assert last.file_bytes is not None
    assert last.anon_bytes + last.file_bytes == last.rss_bytes
    assert 0 < first.at_s < last.at_s


def _sleeps_through(seconds: float, tid: int) -> bool:
    """Whether a thread of this process is not woken once in that time."""
    before = _switches(tid)
    time.sleep(seconds)
    return _switches(tid) == before


@on_linux
def test_the_samplers_thread_does_nothing_at_all_while_paused() -> None:
    with child() as one, MemorySampler(one.pid, interval_s=0.01) as sampler:
        sampler.resume()
        _wait_for_points(sampler, 2)
        sampler.pause()
        # On a busy machine it may be asked to pause long before it gets to run and hears of it.
        assert any(_sleeps_through(0.2, _sampler_tid(sampler)) for _ in range(25))


@on_linux
def test_the_series_ends_with_the_process() -> None:
    with child() as one, MemorySampler(one.pid, interval_s=0.01) as sampler:
        sampler.resume()
        _wait_for_points(sampler, 1)
        assert one.process.stdin is not None
        one.process.stdin.close()
        one.process.wait()
        time.sleep(0.05)
        sampler.pause()  # returns: nobody is left to wait for
        sampler.resume()
        sampler.pause()
        assert sampler.series


def _wait_for_points(sampler: MemorySampler, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(sampler.series) < count:
        assert time.monotonic() < deadline, "the sampler takes no samples"
        time.sleep(0.005)


def _sampler_tid(sampler: MemorySampler) -> int:
    tid = sampler._thread.native_id
    assert tid is not None
    return tid


def _switches(tid: int) -> list[str]:
    lines = Path(f"/proc/self/task/{tid}/status").read_text().splitlines()
    return [line for line in lines if "voluntary_ctxt_switches" in line]


def test_psutil_where_there_is_no_proc() -> None:
    with child() as one:
        held = portable.resident(one.pid)
        assert held is not None
        assert held.rss_bytes > MIB
        assert (held.anon_bytes, held.file_bytes) == (None, None)
        keeps_a_peak = held.source == portable.PEAK_SOURCE
        assert portable.reset(one.pid) is not keeps_a_peak
    assert portable.resident(one.pid) is None
    assert not portable.reset(one.pid)
