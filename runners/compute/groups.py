"""Make, limit and remove control groups for one worker.

v1 has a hierarchy for each controller, v2 one for all. A group whose maker was killed stays, empty:
`abandoned` finds it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from runners.compute.cgroup import ControlGroup, control_groups
from runners.compute.procfs import PROC, optional_text

Controller = Literal["memory", "cpu"]
NAME = re.compile(r"weighin-(?P<pid>[0-9]+)-[0-9a-f]{8}(-self)?")
PERIOD_US = 100_000
"""The kernel's own default for CPU quotas."""
REMOVE_WAIT_S = 5.0


@dataclass(slots=True, kw_only=True)
class Made:
    """Groups by controller, and why there is none for the others."""

    groups: dict[Controller, ControlGroup] = field(default_factory=dict)
    why: dict[Controller, str] = field(default_factory=dict)


def make_group(controller: Controller, made: Made, undo: ExitStack) -> None:
    """Make a group with this controller below ours, to be removed by `undo`; or say why not."""
    found = control_groups(controller)
    if not found:
        made.why[controller] = "this system has no control groups, or hides them"
        return
    why = []
    for group in found:
        try:
            if group.version == 1:
                made.groups[controller] = _new_group(group, group.path, undo)
            else:
                made.groups[controller] = enter_v2(controller, group, made, undo)
        except OSError as error:
            reason = error.strerror or str(error)
            why.append(f"cgroup v{group.version}, {group.path}: no group can be made ({reason})")
        else:
            return
    made.why[controller] = "; ".join(why)


def enter_v2(
    controller: Controller, own: ControlGroup, made: Made, undo: ExitStack
) -> ControlGroup:
    """A group below our own that has the controller: the one made for another, or a new one.

    v2 has one hierarchy, so a process is in one group, whatever is limited in it.

    Raises:
        OSError: there is no such controller here, or the kernel refuses.
    """
    for group in made.groups.values():
        if group.version == 2 and controller in _words(group.path / "cgroup.controllers"):
            return group
    if controller not in _words(own.path / "cgroup.controllers"):
        raise OSError(0, f"it lacks the {controller} controller")
    if controller not in _words(own.path / "cgroup.subtree_control"):
        with ExitStack() as attempt:
            _enable(own.path, attempt)
            undo.push(attempt.pop_all())
    return _new_group(own, own.path, undo)


def _enable(own: Path, undo: ExitStack) -> None:
    """Hand our group's controllers on to groups below it.

    The kernel allows that in a group without processes alone (cgroups(7), "no internal processes"),
    so this process moves into a group of its own below. One that has others in it is refused.
    """
    leaf = own / f"weighin-{os.getpid()}-{secrets.token_hex(4)}-self"
    leaf.mkdir()
    undo.callback(_remove_group, leaf)
    _write(leaf / "cgroup.procs", str(os.getpid()))
    undo.callback(_write_back, own / "cgroup.procs", str(os.getpid()))
    available = _words(own / "cgroup.controllers") & {"memory", "cpu"}
    already = _words(own / "cgroup.subtree_control")
    for controller in sorted(available - already):
        _write(own / "cgroup.subtree_control", f"+{controller}")
        undo.callback(_write_back, own / "cgroup.subtree_control", f"-{controller}")


def _new_group(around: ControlGroup, parent: Path, undo: ExitStack) -> ControlGroup:
    for left in _abandoned_in(parent):
        _remove_group(left)
    path = parent / f"weighin-{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir()
    undo.callback(_remove_group, path)
    return ControlGroup(version=around.version, mount=around.mount, path=path)


def limit_memory(made: Made, limit_bytes: int | None) -> None:
    """Set the memory group's limit, with no room for swap; a group that refuses it is let go."""
    group = made.groups.get("memory")
    if group is None or limit_bytes is None:
        return
    try:
        if group.version == 2:
            _write(group.path / "memory.max", str(limit_bytes))
            _write_if_there(group.path / "memory.swap.max", "0")
            # One death ends the candidate: a half of it that lives on measures nothing.
            _write_if_there(group.path / "memory.oom.group", "1")
        else:
            _write(group.path / "memory.limit_in_bytes", str(limit_bytes))
            # Memory and swap together: with the same limit there is no room for swap.
            if not _write_if_there(group.path / "memory.memsw.limit_in_bytes", str(limit_bytes)):
                _write_if_there(group.path / "memory.swappiness", "0")
    except OSError as error:
        made.why["memory"] = f"{group.path}: memory cannot be limited ({error.strerror})"
        del made.groups["memory"]


def limit_cpus(made: Made, cpus: float | None) -> None:
    """Set the CPU group's quota; a group that refuses it is let go."""
    group = made.groups.get("cpu")
    if group is None or cpus is None:
        return
    quota_us = round(cpus * PERIOD_US)
    try:
        if group.version == 2:
            _write(group.path / "cpu.max", f"{quota_us} {PERIOD_US}")
        else:
            _write(group.path / "cpu.cfs_period_us", str(PERIOD_US))
            _write(group.path / "cpu.cfs_quota_us", str(quota_us))
    except OSError as error:
        made.why["cpu"] = f"{group.path}: CPUs cannot be limited ({error.strerror})"
        del made.groups["cpu"]


def _remove_group(group: Path) -> None:
    """Kill what is left in a group and remove it; one that cannot be removed is left to gc."""
    until = time.monotonic() + REMOVE_WAIT_S
    while group.exists():
        for pid in (optional_text(group / "cgroup.procs") or "").split():
            if int(pid) != os.getpid():
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
        try:
            group.rmdir()
        except OSError:  # what was killed has not gone yet
            if time.monotonic() > until:
                return
            time.sleep(0.01)


def abandoned() -> tuple[Path, ...]:
    """Groups of ours that hold nothing and whose maker is gone, in every hierarchy seen from here.

    A maker in another PID namespace cannot be told from one that is gone. Its group is empty only
    for the moment between being made and being joined.
    """
    mounts = {g.mount for controller in _CONTROLLERS for g in control_groups(controller)}
    return tuple(
        group
        for mount in sorted(mounts)
        for folder, _, _ in os.walk(mount)
        for group in _abandoned_in(Path(folder))
    )


def _abandoned_in(folder: Path) -> list[Path]:
    named = [(NAME.fullmatch(path.name), path) for path in sorted(folder.glob("weighin-*"))]
    return [
        path
        for ours, path in named
        if ours and not (PROC / ours["pid"]).exists() and optional_text(path / "cgroup.procs") == ""
    ]


def remove_abandoned(group: Path) -> str | None:
    """Remove one that `abandoned` found; why it is still there, or None."""
    if group not in _abandoned_in(group.parent):
        return "is in use"
    try:
        group.rmdir()
    except OSError as error:
        return error.strerror or str(error)
    return None


_CONTROLLERS: tuple[Controller, ...] = ("memory", "cpu")


def _words(path: Path) -> set[str]:
    return set((optional_text(path) or "").split())


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def _write_back(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):  # what cannot be put back hurts nobody
        _write(path, text)


def _write_if_there(path: Path, text: str) -> bool:
    """Write to a file of the kernel and return True; False where it does not exist. A refused write
    raises OSError.
    """
    if not path.exists():
        return False
    _write(path, text)
    return True
