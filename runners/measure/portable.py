"""Resident memory where there is no /proc: macOS and Windows, through psutil.

Not tested on those systems: here only the psutil calls themselves are, on Linux.

Windows keeps a peak (`peak_wset`) that cannot be reset. macOS tells nobody but the process
itself its peak, so what is left is the size when the phase ends: a lower bound, and named so.
"""

from __future__ import annotations

import psutil

from runners.measure.processes import Resident

PEAK_SOURCE = "psutil peak_wset"
RSS_SOURCE = "psutil rss when the phase ended (a lower bound of the peak)"


def keeps_peaks() -> bool:
    """True: what stands for a peak here says in its source what it is."""
    return True


def resident(pid: int) -> Resident | None:
    """Memory that one process holds; None when it has exited or may not be looked at."""
    try:
        info = psutil.Process(pid).memory_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    peak: int | None = getattr(info, "peak_wset", None)
    return Resident(
        peak_bytes=info.rss if peak is None else peak,
        rss_bytes=info.rss,
        anon_bytes=None,
        file_bytes=None,
        source=RSS_SOURCE if peak is None else PEAK_SOURCE,
    )


def reset(pid: int) -> bool:
    """True where no peak is kept, so that the next figure is the next phase's alone."""
    now = resident(pid)
    return now is not None and now.source == RSS_SOURCE
