import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runners.compute import cgroup
from runners.compute.cgroup import ControlGroup, cpu_quota, parse_groups
from runners.compute.machine import Machine, cap_cpus, machine, usable_cpus

# Recorded on a systemd desktop (v2 alone).
V2_CGROUP = "0::/user.slice/user-1000.slice/session-2.scope\n"
V2_MOUNTS = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
# The development machine: v1 with a v2 hierarchy beside it.
HYBRID_CGROUP = "4:memory:/process_api/1fb7\n2:cpuacct:/\n1:cpu:/\n0::/\n"
HYBRID_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
)
# Docker on v1: the container sees its own group as the mount's root, but is told the host's path.
DOCKER_CGROUP = "5:cpu,cpuacct:/docker/4f2a\n"
DOCKER_MOUNTS = (
    "741 735 0:32 /docker/4f2a /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:16 "
    "- cgroup cgroup rw,cpu,cpuacct\n"
)


def test_v2() -> None:
    (group,) = parse_groups(V2_CGROUP, V2_MOUNTS, "cpu")
    top = Path("/sys/fs/cgroup")
    assert (group.version, group.mount) == (2, top)
    assert group.lineage == (
        top / "user.slice/user-1000.slice/session-2.scope",
        top / "user.slice/user-1000.slice",
        top / "user.slice",
        top,
    )


def test_v1_with_v2_beside_it() -> None:
    cpu, unified = parse_groups(HYBRID_CGROUP, HYBRID_MOUNTS, "cpu")
    assert (cpu.version, cpu.path) == (1, Path("/sys/fs/cgroup/cpu"))
    assert (unified.version, unified.path) == (2, Path("/sys/fs/cgroup/unified"))
    assert cpu.lineage == (cpu.mount,)


def test_a_container_that_is_told_the_hosts_path() -> None:
    (group,) = parse_groups(DOCKER_CGROUP, DOCKER_MOUNTS, "cpu")
    assert group.path == group.mount == Path("/sys/fs/cgroup/cpu,cpuacct")


def test_a_path_outside_of_the_namespace_leaves_the_mount() -> None:
    (group,) = parse_groups("0::/../other\n", V2_MOUNTS, "cpu")
    assert group.path == Path("/sys/fs/cgroup")


def test_a_mount_with_a_space_in_its_name() -> None:
    mounts = "30 24 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"
    (group,) = parse_groups("0::/\n", mounts, "cpu")
    assert group.mount == Path("/mnt/my groups")


def test_quotas() -> None:
    assert cgroup.parse_cpu_max("max 100000\n") is None
    assert cgroup.parse_cpu_max("150000 100000\n") == 1.5
    assert cgroup.parse_cfs("-1\n", "100000\n") is None
    assert cgroup.parse_cfs("50000\n", "100000\n") == 0.5


def test_the_narrowest_quota_on_the_way_out_binds(tmp_path: Path) -> None:
    inner = tmp_path / "slice" / "scope"
    inner.mkdir(parents=True)
    (tmp_path / "slice" / "cpu.max").write_text("150000 100000\n")
    (inner / "cpu.max").write_text("max 100000\n")
    group = ControlGroup(version=2, mount=tmp_path, path=inner)
    assert cpu_quota((group,)) == 1.5
    assert cpu_quota(()) is None


def test_a_v1_quota(tmp_path: Path) -> None:
    (tmp_path / "cpu.cfs_quota_us").write_text("250000\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_quota((ControlGroup(version=1, mount=tmp_path, path=tmp_path),)) == 2.5


@pytest.mark.parametrize(
    ("affinity", "quota", "cpus"),
    [(8, None, 8), (8, 2.5, 3), (2, 2.5, 2), (4, 0.25, 1), (4, 2.0, 2)],
)
def test_cap(affinity: int, quota: float | None, cpus: int) -> None:
    assert cap_cpus(affinity, quota) == cpus


@pytest.mark.skipif(sys.platform != "linux", reason="sets the affinity")
def test_affinity_counts() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= usable_cpus() <= len(before)


LAPTOP = Machine(
    cpu_model="Intel(R) Core(TM) i5",
    usable_cpus=4,
    logical_cpus=8,
    ram_bytes=16 * 2**30,
    gpu=(),
    os_family="Linux",
    os_release="6.18.44",
    python="3.11.9",
    cpu_id="GenuineIntel family 6 model 78 stepping 3",
    cpu_features=("avx", "avx2"),
)


def test_the_fingerprint_is_stable_across_releases_and_kernels() -> None:
    # One line each: name, generation, instruction sets, cores, GiB, OS; without a last newline.
    # sha256sum of LAPTOP's lines joined by newlines, the first 12 digits.
    assert LAPTOP.fingerprint == "ce9b8cd8b60e"
    patched = replace(LAPTOP, os_release="6.18.45", python="3.12.0", ram_bytes=16 * 2**30 - 9**8)
    assert patched.fingerprint == LAPTOP.fingerprint


def test_a_machine_known_by_its_name_only_is_never_the_machine_of_an_early_record() -> None:
    # printf 'Intel(R) Core(TM) i5\n4\n16\nLinux' | sha256sum: what early versions made of it.
    assert replace(LAPTOP, cpu_id="", cpu_features=()).fingerprint != "34f647c2c2d3"


def test_another_machine_has_another_fingerprint() -> None:
    others = [
        replace(LAPTOP, cpu_model="AMD EPYC"),
        replace(LAPTOP, cpu_id="GenuineIntel family 6 model 78 stepping 4"),
        replace(LAPTOP, cpu_features=("avx", "avx2", "avx_vnni")),
        replace(LAPTOP, cpu_id="", cpu_features=()),  # known by its name only
        replace(LAPTOP, usable_cpus=2),
        replace(LAPTOP, ram_bytes=8 * 2**30),
        replace(LAPTOP, gpu=("NVIDIA L4",)),
        replace(LAPTOP, os_family="Darwin"),
    ]
    assert len({one.fingerprint for one in [LAPTOP, *others]}) == 9


def test_this_machine() -> None:
    here = machine()
    assert here.cpu_model
    assert 1 <= here.usable_cpus <= here.logical_cpus
    assert here.ram_bytes > 2**28
    assert len(here.fingerprint) == 12
    assert machine() == here
