"""Checks of control groups: whether a memory limit can be enforced here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from runners.doctor.check import Check
from runners.measure.linux import PROC, optional_text

LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))
CONTAINER_GROUPS = ("docker", "kubepods", "containerd", "lxc", "libpod")
NOT_ENFORCED = "a budget's memory is not enforced here, only its CPUs; "
DELEGATE = {
    1: "run as root, or have an administrator give this user a group of the memory controller",
    2: "run under: systemd-run --user --scope -p Delegate=yes weighin run …",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGroup:
    """The control group of this process in the hierarchy that limits memory."""

    version: Literal[1, 2]
    path: Path


def parse_memory_group(cgroup: str, mountinfo: str) -> MemoryGroup | None:
    """Find the group whose memory controller can be used.

    Args:
        cgroup: text of /proc/PID/cgroup, lines `ID:CONTROLLERS:PATH` (cgroups(7)).
        mountinfo: text of /proc/PID/mountinfo (proc_pid_mountinfo(5)).

    Returns:
        v1's where memory is mounted there, as v2 then lacks the controller; else v2's; None where
        no hierarchy is mounted.
    """
    paths: dict[int, str] = {}
    for line in cgroup.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            paths[1] = path
        elif hierarchy == "0" and not controllers:
            paths[2] = path
    found: dict[int, MemoryGroup] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split()[:3]
        version: Literal[1, 2] = 2 if kind == "cgroup2" else 1
        if kind != "cgroup2" and not (kind == "cgroup" and "memory" in options.split(",")):
            continue
        if version in paths and version not in found:
            folder = _below(Path(mount), root, paths[version])
            found[version] = MemoryGroup(version=version, path=folder)
    return found.get(1) or found.get(2)


def memory_group() -> MemoryGroup | None:
    """The memory group of this process; None outside Linux."""
    cgroup = optional_text(PROC / "self" / "cgroup")
    mountinfo = optional_text(PROC / "self" / "mountinfo")
    return parse_memory_group(cgroup, mountinfo) if cgroup and mountinfo else None


def limit_check(group: MemoryGroup | None) -> Check:
    """Whether a memory limit can be set: a group is made below ours, looked at and removed."""
    if group is None:
        return _limited(
            "no control groups", NOT_ENFORCED + "they are Linux's, and may be hidden in a sandbox"
        )
    where = f"cgroup v{group.version}, {group.path}"
    if group.version == 2 and "memory" not in (
        optional_text(group.path / "cgroup.controllers") or ""
    ):
        return _limited(f"{where}: without the memory controller", NOT_ENFORCED + DELEGATE[2])
    probe = group.path / f"weighin-doctor-{os.getpid()}"
    try:
        probe.mkdir()
    except OSError as error:
        return _limited(
            f"{where}: no group can be made below it ({error.strerror})",
            NOT_ENFORCED + DELEGATE[group.version],
        )
    try:
        limited = os.access(probe / LIMIT_FILES[group.version], os.W_OK)
    finally:
        probe.rmdir()
    if not limited:
        return _limited(
            f"{where}: groups can be made below it, their memory not limited",
            NOT_ENFORCED + "memory must be in its cgroup.subtree_control",
        )
    return Check(
        name="memory limit", status="ok", found=f"{where}: groups with a limit can be made"
    )


def container_check(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Check:
    """Whether this is a container, and by what it is known."""
    signs = [str(path) for path in CONTAINER_FILES if (root / path.relative_to("/")).exists()]
    groups = optional_text(root / "proc" / "1" / "cgroup") or ""
    signs += [f"/proc/1/cgroup names {word}" for word in CONTAINER_GROUPS if word in groups]
    signs += [
        f"${name}" for name in ("container", "KUBERNETES_SERVICE_HOST") if name in environment
    ]
    if not signs:
        return Check(name="container", status="ok", found="no sign of one")
    return Check(name="container", status="ok", found=f"yes ({', '.join(signs)})")


def _limited(found: str, advice: str) -> Check:
    return Check(name="memory limit", status="limited", found=found, advice=advice)


def _below(mount: Path, root: str, path: str) -> Path:
    # As runners.measure.cgroup has it: a container may be told a path from the host's root.
    inside = PurePosixPath(path)
    if ".." in inside.parts or not inside.is_relative_to(root):
        return mount
    return mount / inside.relative_to(root)
