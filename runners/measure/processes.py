"""A process and its descendants, and what one of them holds in memory."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from evals.errors import MeasureError
from runners.worker.family import listed_tree


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
    listed = listed_tree(pid)
    if listed is not None:  # else it is gone, or there are no such files: psutil tells which
        return listed
    try:
        root = psutil.Process(pid)
        return (pid, *(child.pid for child in root.children(recursive=True)))
    except psutil.NoSuchProcess as error:
        raise gone(pid) from error
    except psutil.AccessDenied as error:
        raise MeasureError(f"process {pid}: not allowed to list its descendants") from error


def gone(pid: int) -> MeasureError:
    """The error for a process that has exited before it could be measured."""
    return MeasureError(f"process {pid} has exited: its memory can no longer be read")
