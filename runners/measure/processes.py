"""A process and its descendants, and what one of them holds in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from evals.errors import MeasureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Resident memory of one process."""

    peak_bytes: int
    """The most it held, as far as `source` can know."""
    rss_bytes: int
    """Bytes resident now."""
    anon_bytes: int | None
    """Resident bytes not backed by a file, now; None where the system does not tell."""
    file_bytes: int | None
    """Resident bytes backed by files or shared memory, now; None where the system does not tell."""
    source: str
    """Counter that `peak_bytes` comes from."""


def process_tree(pid: int) -> tuple[int, ...]:
    """The process and its living descendants, the process first.

    Raises:
        MeasureError: the process is gone, or it may not be looked at.

    On Linux the kernel's own list of children is read: psutil looks through all processes of the
    machine, which takes a sampler at 5 Hz a twentieth of a core.
    """
    listed = _listed_tree(pid)
    if listed is not None:
        return listed
    try:
        root = psutil.Process(pid)
        return (pid, *(child.pid for child in root.children(recursive=True)))
    except psutil.NoSuchProcess as error:
        raise gone(pid) from error
    except psutil.AccessDenied as error:
        raise MeasureError(f"process {pid}: not allowed to list its descendants") from error


def _listed_tree(pid: int) -> tuple[int, ...] | None:
    """The tree by /proc/PID/task/TID/children; None where the kernel has no such files."""
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            lists = [(thread / "children").read_text(encoding="ascii") for thread in threads]
        except OSError:
            if one == pid:
                return None  # gone, or no such files: psutil tells which
            continue  # a descendant that has exited meanwhile
        found.extend(int(child) for children in lists for child in children.split())
    return tuple(found)


def gone(pid: int) -> MeasureError:
    """The error for a process that has exited before it could be measured."""
    return MeasureError(f"process {pid} has exited: its memory can no longer be read")
