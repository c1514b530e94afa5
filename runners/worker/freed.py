"""Hand memory that was freed back to the system, so that what is held is what is needed."""

from __future__ import annotations

import contextlib
import sys


def give_back_freed() -> None:
    """Ask glibc to return freed memory, of which it keeps up to 64 MiB for later.

    Elsewhere nothing is asked: other C libraries have no such call, or return it by themselves.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
