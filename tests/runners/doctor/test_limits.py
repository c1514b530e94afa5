"""What doctor says of counters and control groups that are not as they might be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runners.compute.cgroup import parse_groups
from runners.doctor import counters, groups
from runners.measure import portable
from runners.measure.memory import PhaseMemory
from tests.support.groups import needs_groups, ours

V1 = "3:memory:/jobs/7\n1:cpu:/\n0::/\n"
V1_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
V2 = "0::/user.slice/session.scope\n"
V2_MOUNTS = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"


def peak(source: str) -> PhaseMemory:
    return PhaseMemory(peak_bytes=1, anon_bytes=None, file_bytes=None, source=source)


@pytest.mark.parametrize(
    ("source", "was_reset", "status"),
    [
        ("VmHWM", True, "ok"),
        ("VmHWM, not reset between phases", False, "limited"),
        (portable.PEAK_SOURCE, False, "limited"),
        (portable.RSS_SOURCE, True, "limited"),
    ],
)
def test_the_source_of_the_peak_is_judged(source: str, was_reset: bool, status: str):
    assert counters.judge_peak(peak(source), was_reset=was_reset).status == status


def test_the_peak_is_tried_on_a_child():
    check = counters.peak_check()
    assert check.status == ("ok" if sys.platform == "linux" else "limited") or (
        "not reset" in check.found
    )


def test_energy_counters(tmp_path: Path):
    check = counters.energy_check(tmp_path / "none")
    assert (check.status, check.found.split(" (")[0]) == (
        "limited",
        "this machine has no RAPL counter",
    )
    package(tmp_path).joinpath("energy_uj").write_text("12345\n")
    check = counters.energy_check(tmp_path)
    assert check.status == "ok"
    assert check.found.startswith("RAPL package-0")


def test_an_energy_counter_that_may_not_be_read(tmp_path: Path):
    # A folder in its place cannot be read by anybody, not even by root.
    package(tmp_path).joinpath("energy_uj").mkdir()
    check = counters.energy_check(tmp_path)
    assert check.status == "limited"
    assert check.found.startswith("RAPL is there and may not be read")
    assert "chmod" in check.advice


def package(root: Path) -> Path:
    zone = root / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    return zone


def test_pressure(tmp_path: Path):
    assert counters.pressure_check(tmp_path).status == "limited"
    (tmp_path / "cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    assert counters.pressure_check(tmp_path).status == "ok"


@pytest.mark.parametrize(
    ("level", "pmu", "status"),
    [
        ("2\n", True, "ok"),
        ("4\n", True, "limited"),
        ("2\n", False, "limited"),
        ("", True, "limited"),
    ],
)
def test_hardware_counters(tmp_path: Path, level: str, pmu: bool, status: str):
    (tmp_path / "paranoid").write_text(level)
    if pmu:
        (tmp_path / "devices" / "cpu").mkdir(parents=True)
    check = counters.perf_check(tmp_path / "paranoid", tmp_path / "devices")
    assert check.status == status


@pytest.mark.parametrize(
    ("cgroup", "mounts", "found"),
    [
        (V1, V1_MOUNTS, (1, "/sys/fs/cgroup/memory/jobs/7")),
        (V2, V2_MOUNTS, (2, "/sys/fs/cgroup/user.slice/session.scope")),
        # A container sees a mount whose root is its own group.
        ("0::/\n", "30 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
         (2, "/sys/fs/cgroup")),
        ("0::/\n", "", None),
    ],
)  # fmt: skip
def test_the_memory_group_is_found(cgroup: str, mounts: str, found: tuple[int, str] | None):
    group = next(iter(parse_groups(cgroup, mounts, "memory")), None)
    assert (group and (group.version, group.path.as_posix())) == found


def test_without_control_groups_a_limit_is_not_enforced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("runners.compute.groups.control_groups", lambda _controller: ())
    check = groups.limit_check()
    assert (check.status, check.found) == (
        "limited",
        "this system has no control groups, or hides them",
    )
    assert "not enforced" in check.advice
    assert "systemd-run --user --scope -p Delegate=yes" in check.advice


@needs_groups
def test_a_limit_that_can_be_set():
    check = groups.limit_check()
    assert check.status == "ok"
    assert check.found.startswith("cgroup v")
    assert ours() == []


def test_containers_are_known_by_their_signs(tmp_path: Path):
    assert groups.container_check(tmp_path, {}).found == "no sign of one"
    (tmp_path / ".dockerenv").write_text("")
    found = groups.container_check(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}).found
    assert found == "yes (/.dockerenv, $KUBERNETES_SERVICE_HOST)"
