"""Read what a control group counted of its worker: peak, refaulted bytes, out-of-memory kills."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING

from runners.compute.procfs import optional_text

if TYPE_CHECKING:
    from runners.compute.cgroup import ControlGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUsage:
    """One phase of a job, as the worker's group counted it."""

    peak_bytes: int | None
    """The most that was charged to the group: its memory and the file pages that it brought in.
    None where the kernel does not say."""
    refaulted_bytes: int | None
    """File pages that were dropped for lack of room and read again, in this phase."""
    oom_kills: int
    """Processes of the group that the kernel has killed for memory, since the group was made."""


class GroupMark:
    """Reads a group phase by phase; the peak begins anew with each, where the kernel allows it."""

    def __init__(self, group: ControlGroup) -> None:
        self._group = group
        self._peak: FileIO | None = None
        if group.version == 2:
            self._peak = _opened(group)
        self._refaulted = self._refaults()

    def end_phase(self) -> GroupUsage:
        """Read the phase that ends here and begin the next."""
        usage = self.read()
        self._refaulted = self._refaults()
        self._reset()
        return usage

    def read(self) -> GroupUsage:
        """Read the phase so far."""
        kills = "memory.events" if self._group.version == 2 else "memory.oom_control"
        return GroupUsage(
            peak_bytes=self._read_peak(),
            refaulted_bytes=_grown(self._refaulted, self._refaults()),
            oom_kills=self._count(kills, "oom_kill") or 0,
        )

    def close(self) -> None:
        """Let go of the group's files."""
        if self._peak is not None:
            self._peak.close()

    def _refaults(self) -> int | None:
        return self._count("memory.stat", "workingset_refault_file")

    def _count(self, file: str, key: str) -> int | None:
        return counter(optional_text(self._group.path / file) or "", key)

    def _read_peak(self) -> int | None:
        if self._peak is not None:
            self._peak.seek(0)
            return int(self._peak.read())
        name = "memory.peak" if self._group.version == 2 else "memory.max_usage_in_bytes"
        text = optional_text(self._group.path / name)
        return int(text) if text else None

    def _reset(self) -> None:
        if self._group.version == 1:
            (self._group.path / "memory.max_usage_in_bytes").write_text("0", encoding="ascii")
        elif self._peak is not None and self._peak.writable():
            self._peak.write(b"reset")


def _opened(group: ControlGroup) -> FileIO | None:
    """Open `memory.peak`, which a write resets for reads through the same open file (Linux 6.12).
    Older kernels let it be read only, or have none (before 5.19).
    """
    for mode in ("r+", "r"):
        try:
            return FileIO(str(group.path / "memory.peak"), mode)
        except OSError:
            continue
    return None


def _grown(before: int | None, now: int | None) -> int | None:
    """Bytes by which a count of pages grew."""
    if before is None or now is None:
        return None
    return (now - before) * os.sysconf("SC_PAGE_SIZE")


def counter(text: str, key: str) -> int | None:
    """One number of a file of lines `KEY NUMBER`; None where it is not among them.

    Refaults are counted in pages of the machine (mm/memcontrol.c, v1 and v2 alike).
    """
    found = re.search(rf"^{re.escape(key)} (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None
