"""Checks of control groups: whether a memory limit can be enforced here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runners.doctor.check import Check
from runners.measure.cgroup import ControlGroup, control_groups
from runners.measure.linux import optional_text

LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))
CONTAINER_GROUPS = ("docker", "kubepods", "containerd", "lxc", "libpod")
NOT_ENFORCED = "budgets come with a later version; their memory could not be enforced here: "
DELEGATE = {
    1: "run as root, or have an administrator give this user a group of the memory controller",
    2: "run under: systemd-run --user --scope -p Delegate=yes weighin run …",
}


def memory_group() -> ControlGroup | None:
    """The group of this process whose memory can be limited; None where there is none."""
    return next(iter(control_groups("memory")), None)


def limit_check(group: ControlGroup | None) -> Check:
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
