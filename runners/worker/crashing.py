"""Keep a crashing child from leaving a core file."""

from __future__ import annotations

import contextlib
import sys


def leave_no_core() -> None:
    """Let a crash write no core file: it is as large as the model, and lies in the user's folder.

    On Windows there is none.
    """
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
