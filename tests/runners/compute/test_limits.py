"""Real control groups hold a real process, and nothing of them stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from runners.compute import groups
from runners.compute.cgroup import ControlGroup, memory_limit
from runners.compute.limits import Allowance, Held, Limit, limited
from runners.measure.group_usage import GroupMark, counter
from tests.support.groups import needs_groups, ours

MIB = 2**20


def run(limit: Limit, script: str) -> subprocess.CompletedProcess[str]:
    command = limit.command([sys.executable, "-c", script])
    with limit.affinity():
        return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_an_allowance_nothing_is_made():
    with limited(Allowance()) as limit:
        assert limit == Limit(held=Held())
        assert limit.command(["a", "b"]) == ["a", "b"]


@needs_groups
def test_a_process_is_killed_at_the_limit_and_the_group_counts_it():
    with limited(Allowance(memory_bytes=64 * MIB)) as limit:
        assert limit.memory is not None
        mark = GroupMark(limit.memory)
        small = run(limit, "x = bytearray(20 << 20)")
        first = mark.end_phase()
        large = run(limit, "x = bytearray(100 << 20)")
        second = mark.end_phase()
        third = mark.end_phase()
        mark.close()
    assert (small.returncode, first.oom_kills) == (0, 0)
    assert (large.returncode, second.oom_kills) == (-9, 1)
    assert first.peak_bytes is not None
    assert 20 * MIB < first.peak_bytes < 60 * MIB
    assert second.peak_bytes == 64 * MIB
    # Reset at the boundary: what the dead one had is not in the next phase.
    assert third.peak_bytes is not None
    assert third.peak_bytes < 20 * MIB
    assert ours() == []


@needs_groups
def test_the_first_instruction_is_inside():
    with limited(Allowance(memory_bytes=64 * MIB)) as limit:
        told = run(limit, "print(open('/proc/self/cgroup').read())").stdout
        (group,) = limit.groups
        assert group.name in told
        assert group.is_dir()
    assert not group.exists()


@needs_groups
def test_whatever_is_left_in_a_group_is_killed():
    with limited(Allowance(memory_bytes=64 * MIB)) as limit:
        # Its parent, the shell's successor, ends at once; the child would sleep on.
        run(limit, "import subprocess; subprocess.Popen(['sleep', '300'], "
            "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)")  # fmt: skip
        (group,) = limit.groups
        pids = (group / "cgroup.procs").read_text().split()
        assert len(pids) == 1
    assert not group.exists()
    left = psutil.Process(int(pids[0])) if psutil.pid_exists(int(pids[0])) else None
    # Dead, though nobody may have collected it yet.
    assert left is None or left.status() == psutil.STATUS_ZOMBIE


@needs_groups
def test_an_error_inside_leaves_no_group():
    with pytest.raises(ZeroDivisionError), limited(Allowance(memory_bytes=64 * MIB)) as limit:
        raise ZeroDivisionError(limit.groups)
    assert ours() == []


@pytest.mark.slow
@needs_groups
def test_half_a_cpu_takes_twice_as_long():
    # A quota, so CPU seconds per second, which no busy neighbour can raise.
    script = (
        "import time; end = time.time() + 1.0; start = time.process_time()\n"
        "while time.time() < end: pass\n"
        "print(time.process_time() - start)"
    )
    with limited(Allowance(cpus=0.5)) as limit:
        assert limit.held.cpus
        if not limit.held.cpus.startswith("cgroup"):
            pytest.skip(f"CPUs cannot be limited: {limit.held.cpus_why}")
        used_s = float(run(limit, script).stdout)
    assert used_s < 0.75


def test_all_cores_need_no_quota():
    with limited(Allowance(cpus=1024)) as limit:
        assert (limit.held.cpus, limit.groups) == ("the machine has no more", ())


@needs_groups
def test_a_group_in_use_is_not_abandoned():
    with limited(Allowance(memory_bytes=64 * MIB)) as limit:
        (group,) = limit.groups
        assert group not in groups.abandoned()
        assert groups.remove_abandoned(group) == "is in use"
        assert group.is_dir()


def test_a_group_that_is_no_group_cannot_be_joined(tmp_path: Path):
    # What starts outside of its limit must not start at all.
    limit = Limit(held=Held(), groups=(tmp_path / "gone",))
    done = run(limit, "print('started')")
    assert (done.returncode, done.stdout) == (125, "")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are bound on Linux alone")
def test_cores_are_bound_where_there_is_no_group_and_given_back():
    before = os.sched_getaffinity(0)
    one = frozenset(sorted(before)[:1])
    done = run(Limit(held=Held(), cores=one), "import os; print(sorted(os.sched_getaffinity(0)))")
    assert done.stdout.strip() == str(sorted(one))
    assert os.sched_getaffinity(0) == before


# Reading what a group counted.

V2_EVENTS = "low 0\nhigh 0\nmax 41\noom 2\noom_kill 1\noom_group_kill 1\n"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        (V2_EVENTS, "oom_kill", 1),
        (V2_EVENTS, "oom", 2),
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill", 3),
        ("total_workingset_refault_file 9\n", "workingset_refault_file", None),
        ("", "oom_kill", None),
    ],
)
def test_a_counter_is_a_whole_key(text: str, key: str, value: int | None):
    assert counter(text, key) == value


def test_the_narrowest_memory_limit_around_counts(tmp_path: Path):
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "memory.max").write_text("1000\n")
    (inner / "memory.max").write_text("max\n")
    v2 = ControlGroup(version=2, mount=tmp_path, path=inner)
    assert memory_limit((v2,)) == 1000
    (inner / "memory.limit_in_bytes").write_text("9223372036854771712\n")  # v1's "none"
    v1 = ControlGroup(version=1, mount=tmp_path, path=inner)
    assert memory_limit((v1,)) is None
    assert memory_limit(()) is None
