"""cgroup v2, on a recorded tree: the development machines have memory on v1.

The tree is an ordinary folder with a v2 group's files, cut to what is read, in the format of the
kernel's admin-guide/cgroup-v2. What it cannot show is the kernel's answer: that is a known gap.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from runners.compute.cgroup import ControlGroup
from runners.compute.groups import Made, enter_v2, limit_cpus, limit_memory
from runners.measure.group_usage import GroupMark

RECORDED = {
    "cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
    "cgroup.subtree_control": "",
    "cgroup.procs": "4711\n",
    "cgroup.type": "domain\n",
    "memory.max": "max\n",
    "memory.swap.max": "max\n",
    "memory.oom.group": "0\n",
    "memory.peak": "73728\n",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
    "memory.stat": "anon 4096\nfile 8192\nworkingset_refault_anon 0\nworkingset_refault_file 7\n",
    "cpu.max": "max 100000\n",
}


@pytest.fixture
def scope(tmp_path: Path) -> ControlGroup:
    """What `systemd-run --user --scope -p Delegate=yes` leaves its process in."""
    path = tmp_path / "user.slice" / "run-1.scope"
    path.mkdir(parents=True)
    record(path)
    return ControlGroup(version=2, mount=tmp_path, path=path)


def record(folder: Path) -> None:
    for name, text in RECORDED.items():
        (folder / name).write_text(text)


def test_the_worker_s_group_is_made_beside_our_own(scope: ControlGroup):
    made = Made()
    undo = ExitStack()  # not closed: in an ordinary folder files stand in the groups' way
    made.groups["memory"] = enter_v2("memory", scope, made, undo)
    folders = sorted(path.name for path in scope.path.iterdir() if path.is_dir())
    own = [name for name in folders if name.endswith("-self")]
    assert (len(folders), len(own)) == (2, 1)
    # Before controllers are handed on, this process leaves the group: it may then hold none.
    assert (scope.path / own[0] / "cgroup.procs").read_text() == str(os.getpid())
    assert (scope.path / "cgroup.subtree_control").read_text() == "+memory"  # the last one written
    record(made.groups["memory"].path)
    # One hierarchy: the CPU quota goes to the same group.
    assert enter_v2("cpu", scope, made, undo) == made.groups["memory"]


def test_a_group_that_hands_its_controllers_on_already_is_taken_as_it_is(scope: ControlGroup):
    (scope.path / "cgroup.subtree_control").write_text("cpu memory\n")
    group = enter_v2("memory", scope, Made(), ExitStack())
    assert [path for path in scope.path.iterdir() if path.is_dir()] == [group.path]
    assert (scope.path / "cgroup.procs").read_text() == "4711\n"


def test_without_the_controller_nothing_is_made(scope: ControlGroup):
    (scope.path / "cgroup.controllers").write_text("pids\n")
    with pytest.raises(OSError, match="lacks the memory controller"):
        enter_v2("memory", scope, Made(), ExitStack())
    assert [path for path in scope.path.iterdir() if path.is_dir()] == []


def test_limits_are_written_as_v2_reads_them(scope: ControlGroup):
    made = Made(groups={"memory": scope, "cpu": scope})
    limit_memory(made, 512 * 2**20)
    limit_cpus(made, 1.5)
    written = {name: (scope.path / name).read_text() for name in RECORDED if "max" in name}
    assert written == {
        "memory.max": "536870912",
        "memory.swap.max": "0",
        "cpu.max": "150000 100000",
    }
    assert (scope.path / "memory.oom.group").read_text() == "1"


def test_usage_is_read_from_v2_s_files(scope: ControlGroup):
    mark = GroupMark(scope)
    (scope.path / "memory.stat").write_text("workingset_refault_file 12\n")
    (scope.path / "memory.events").write_text(
        RECORDED["memory.events"].replace("oom_kill 0", "oom_kill 2")
    )
    usage = mark.read()
    page = os.sysconf("SC_PAGE_SIZE")
    assert (usage.peak_bytes, usage.refaulted_bytes, usage.oom_kills) == (73728, 5 * page, 2)
    mark.end_phase()
    # From Linux 6.12 on a write resets the mark for whoever wrote it.
    assert "reset" in (scope.path / "memory.peak").read_text()
    mark.close()


def test_a_peak_that_may_only_be_read_is_of_all_phases(scope: ControlGroup):
    (scope.path / "memory.peak").unlink()
    mark = GroupMark(scope)  # before Linux 5.19 there is none
    assert mark.end_phase().peak_bytes is None
    mark.close()
