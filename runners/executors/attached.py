"""A process that ends when the one that started it does, so that no orphan measures on."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""`prctl(2)`: the signal that the kernel sends when the parent ends."""


def end_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent ends; Linux alone can.

    SIGTERM, because `weighin run` then keeps its journal.

    Args:
        parent: process that started this one; where it has ended already, so does this.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
