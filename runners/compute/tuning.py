"""Settings of the system that move speed or peak memory, and belong to no machine for good."""

from __future__ import annotations

import re
from pathlib import Path

from runners.compute.procfs import optional_text

PROCESSORS = Path("/sys/devices/system/cpu")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def governors(root: Path = PROCESSORS) -> tuple[str, ...]:
    """Each cpufreq governor in use, sorted; empty where none is shown, as in virtual machines."""
    read = (optional_text(path) for path in root.glob("cpu[0-9]*/cpufreq/scaling_governor"))
    return tuple(sorted({text.strip() for text in read if text}))


def transparent_hugepage(path: Path = HUGE_PAGES) -> str | None:
    """`always`, `madvise` or `never`; None where the system does not say.

    The file marks what holds by brackets: `always [madvise] never`.
    """
    chosen = re.search(r"\[(\w+)\]", optional_text(path) or "")
    return chosen[1] if chosen else None
