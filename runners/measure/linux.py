"""Resident memory on Linux, from /proc: the kernel's own high-water mark and split.

The mark is taken from a counter to which each core adds in batches (32 pages, or two for each core
of the machine where that is more; `lib/percpu_counter.c`), while the current size is counted
exactly. So the mark may lie a little below a size that was seen: 28 to 224 KiB on two cores.
"""

from __future__ import annotations

import re

from runners.compute.procfs import PROC, optional_text
from runners.measure.processes import Resident

SOURCE = "VmHWM"
_RESET_PEAK = "5"
"""Value that resets the peak to the current resident size when written to clear_refs (proc(5))."""


def parse_status(text: str) -> Resident | None:
    """Read the memory lines of /proc/PID/status (kB there, which the kernel means as KiB).

    Returns:
        None for a process that holds no memory: a zombie or a kernel thread.
    """
    kib = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    if "VmHWM" not in kib or "VmRSS" not in kib:
        return None
    split = "RssAnon" in kib and "RssFile" in kib  # Linux 4.5 and later
    return Resident(
        peak_bytes=kib["VmHWM"] * 1024,
        rss_bytes=kib["VmRSS"] * 1024,
        anon_bytes=kib["RssAnon"] * 1024 if split else None,
        file_bytes=(kib["RssFile"] + kib.get("RssShmem", 0)) * 1024 if split else None,
        source=SOURCE,
    )


def keeps_peaks() -> bool:
    """True where this kernel has a high-water mark at all; gVisor's `/proc` shows none."""
    text = optional_text(PROC / "self" / "status")
    return text is not None and f"{SOURCE}:" in text


def resident(pid: int) -> Resident | None:
    """Memory that one process holds; None when it has exited."""
    text = optional_text(PROC / str(pid) / "status")
    return None if text is None else parse_status(text)


def reset(pid: int) -> bool:
    """Set one process's VmHWM to its current resident size; False where that is refused.

    Source: proc(5), /proc/pid/clear_refs, value 5 (Linux 4.0). Containers may forbid it.
    """
    try:
        (PROC / str(pid) / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True
