"""Is a file in the page cache, and can it be dropped from it?

A warm cache defeats a memory limit: pages that another group brought in are charged to that one,
and a mapped file of any size then runs under any limit. Checking a file's hash warms it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import time
from pathlib import Path

from evals.errors import MeasureError

TRIES = 5
PAUSE_S = 0.05


def resident_share(path: Path) -> float | None:
    """Share of a file's pages that are in the page cache, 0 to 1, by mincore(2).

    Returns:
        None where the system does not say. Linux says "all" of a file that this user neither owns
        nor may write.

    Raises:
        MeasureError: the file cannot be read.
    """
    if sys.platform != "linux":
        return None
    size = _size(path)
    if not size:
        return 0.0
    try:
        with path.open("rb") as file:
            # Copy on write: only of a writable mapping does ctypes tell the address.
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        return _mincore(mapped, size)
    finally:
        mapped.close()


def drop(path: Path) -> float | None:
    """Drop a file from the page cache.

    Returns:
        The share that stayed (another process has it mapped); None where nobody can say.

    Raises:
        MeasureError: the file cannot be read.
    """
    if not hasattr(os, "posix_fadvise"):
        return None
    left = None
    for _ in range(TRIES):
        try:
            with path.open("rb") as file:
                os.fsync(file.fileno())  # pages that are not yet on the disk cannot be dropped
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError as error:
            raise _unreadable(path, error) from error
        left = resident_share(path)
        if not left:
            break
        time.sleep(PAUSE_S)
    return left


def describe(share: float | None) -> str:
    """`cold`, `warm`, `37% warm` or `unknown`."""
    if share is None:
        return "unknown"
    if share == 0:
        return "cold"
    return "warm" if share == 1 else f"{100 * share:.0f}% warm"


def _mincore(mapped: mmap.mmap, size: int) -> float | None:
    pages = -(-size // mmap.PAGESIZE)
    flags = (ctypes.c_ubyte * pages)()
    start = ctypes.c_char.from_buffer(mapped)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        address = ctypes.c_void_p(ctypes.addressof(start))
        if libc.mincore(address, ctypes.c_size_t(size), flags):
            return None
    finally:
        del start  # a mapping that something points into cannot be closed
    return sum(flag & 1 for flag in flags) / pages


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> MeasureError:
    return MeasureError(f"{path}: its pages cannot be looked at ({error.strerror or error})")
