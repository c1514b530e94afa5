"""Read the counters that Linux publishes under /proc."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def optional_text(path: Path) -> str | None:
    """A file of /proc or /sys, or None where it is missing or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
