"""The control groups of a process, v1 and v2 (both may be mounted), and their CPU limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from runners.compute.procfs import PROC, optional_text

_V1_UNLIMITED = 1 << 62
"""v1 says "no limit" as the greatest number of whole pages below 2^63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroup:
    """The control group of a process in one hierarchy that has a controller."""

    version: Literal[1, 2]
    mount: Path
    """Mount point of the hierarchy: the outermost group that can be seen from here."""
    path: Path
    """The group's own folder, `mount` or below it."""

    @property
    def lineage(self) -> tuple[Path, ...]:
        """The group and those around it, out to `mount`: the limits of all of them bind."""
        inside = self.path.relative_to(self.mount)
        return (self.path, *(self.mount / parent for parent in inside.parents if inside.parts))


def parse_groups(
    cgroup: str, mountinfo: str, controller: Literal["cpu", "memory"]
) -> tuple[ControlGroup, ...]:
    """Find the groups of a process that may hold a controller.

    Args:
        cgroup: text of /proc/PID/cgroup, lines `ID:CONTROLLERS:PATH` (cgroups(7)).
        mountinfo: text of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
        controller: what the group is looked for; a v2 group may still lack it.

    Returns:
        v1's first, where it exists, as it alone has the controller when both are mounted.
    """
    paths: dict[int, str] = {}
    for line in cgroup.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            paths[1] = path
        elif hierarchy == "0" and not controllers:
            paths[2] = path
    groups: dict[int, ControlGroup] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mount = (_unescape(field) for field in before.split()[3:5])
        kind, _, options = after.split(" ")[:3]
        version: Literal[1, 2] = 2 if kind == "cgroup2" else 1
        if kind != "cgroup2" and not (kind == "cgroup" and controller in options.split(",")):
            continue
        if version in paths and version not in groups:
            folder = _below(Path(mount), root, paths[version])
            mounted = Path(mount)
            groups[version] = ControlGroup(version=version, mount=mounted, path=folder)
    return tuple(groups[version] for version in sorted(groups))


def control_groups(
    controller: Literal["cpu", "memory"], pid: int | None = None
) -> tuple[ControlGroup, ...]:
    """The groups of a process (default: this one); none outside Linux."""
    own = PROC / ("self" if pid is None else str(pid))
    cgroup, mountinfo = optional_text(own / "cgroup"), optional_text(PROC / "self" / "mountinfo")
    return parse_groups(cgroup, mountinfo, controller) if cgroup and mountinfo else ()


def parse_cpu_max(text: str) -> float | None:
    """CPUs of a v2 `cpu.max`: `QUOTA PERIOD` in microseconds; None for `max`, no limit."""
    quota, period = text.split()
    return None if quota == "max" else int(quota) / int(period)


def parse_cfs(quota_us: str, period_us: str) -> float | None:
    """CPUs of v1's `cpu.cfs_quota_us` and `cpu.cfs_period_us`; None for a quota of -1, no limit."""
    return None if int(quota_us) <= 0 else int(quota_us) / int(period_us)


def cpu_quota(groups: tuple[ControlGroup, ...]) -> float | None:
    """The narrowest CPU quota of the groups and all groups around them, in CPUs; None: no limit."""
    quotas = [_folder_quota(group.version, at) for group in groups for at in group.lineage]
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(groups: tuple[ControlGroup, ...]) -> int | None:
    """The narrowest memory limit of the groups and all around them, in bytes; None: no limit."""
    limits = [_folder_limit(group.version, at) for group in groups for at in group.lineage]
    return min((limit for limit in limits if limit is not None), default=None)


def throttling(groups: tuple[ControlGroup, ...]) -> tuple[int, float] | None:
    """Count how often, and for how many seconds, the CPU quota stopped a group.

    Returns:
        (periods, seconds) of the innermost group that counts them; None where none does.

    Source: `cpu.stat`; v2 gives `throttled_usec`, v1 `throttled_time` in nanoseconds.
    """
    for group in groups:
        text = optional_text(group.path / "cpu.stat")
        counted = parse_throttling(text) if text else None
        if counted is not None:
            return counted
    return None


def parse_throttling(text: str) -> tuple[int, float] | None:
    """(`nr_throttled`, seconds throttled) of a v1 or v2 `cpu.stat`; None where it lacks them."""
    stat = {key: int(value) for key, value in re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE)}
    if "nr_throttled" not in stat:
        return None
    seconds = stat.get("throttled_usec", 0) / 1e6 + stat.get("throttled_time", 0) / 1e9
    return stat["nr_throttled"], seconds


def _folder_limit(version: int, folder: Path) -> int | None:
    text = optional_text(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
    if text is None or not text.strip().isdigit():
        return None  # v2 says "max"
    limit = int(text)
    return None if limit >= _V1_UNLIMITED else limit


def _folder_quota(version: int, folder: Path) -> float | None:
    if version == 2:
        text = optional_text(folder / "cpu.max")
        return parse_cpu_max(text) if text else None
    quota = optional_text(folder / "cpu.cfs_quota_us")
    period = optional_text(folder / "cpu.cfs_period_us")
    return parse_cfs(quota, period) if quota and period else None


def _below(mount: Path, root: str, path: str) -> Path:
    # A container sees a mount whose root is its own group, yet may be told its path from the host's
    # root. A path outside of the mount's root (`/..` in a namespace) leaves the mount itself.
    inside = PurePosixPath(path)
    if ".." in inside.parts or not inside.is_relative_to(root):
        return mount
    return mount / inside.relative_to(root)


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
