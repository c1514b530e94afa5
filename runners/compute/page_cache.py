"""Is a file in the page cache, and can it be dropped from it?

A warm cache defeats a memory limit: pages that another group brought in are charged to that one,
and a mapped file of any size then runs under any limit. Checking a file's hash warms it.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import MeasureError
from evals.fetch.split_files import split_paths

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES = 5
PAUSE_S = 0.05


def resident_share(path: Path) -> float | None:
    """Share of the pages that are in the page cache, 0 to 1, by mincore(2).

    Args:
        path: a file (of a model in parts, the first), or a folder: the share is of all its files.

    Returns:
        None where the system does not say. Linux says "all" of a file that this user neither owns
        nor may write.

    Raises:
        MeasureError: a file cannot be read.
    """
    if sys.platform != "linux":
        return None
    return _over_files(path, _resident)


def drop(path: Path) -> float | None:
    """Drop a file, or all files of a folder, from the page cache.

    Returns:
        The share that stayed (another process has it mapped); None where nobody can say.

    Raises:
        MeasureError: a file cannot be read.
    """
    if sys.platform != "linux":
        return None
    return _over_files(path, _drop)


def _over_files(path: Path, one: Callable[[Path, int], float | None]) -> float | None:
    """The mean over the files at a path, weighted by their bytes."""
    try:
        whole = sorted(path.rglob("*")) if path.is_dir() else split_paths(path)
        files = [file for file in whole if file.is_file()] if path.is_dir() else whole
        sizes = [file.stat().st_size for file in files]
        shares = [one(file, size) if size else 0.0 for file, size in zip(files, sizes, strict=True)]
    except OSError as error:
        raise MeasureError(
            f"{path}: its pages cannot be looked at ({error.strerror or error})"
        ) from error
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return None
    weighted = math.fsum(share * size for share, size in zip(known, sizes, strict=True))
    return weighted / sum(sizes) if sum(sizes) else 0.0


def _drop(path: Path, size: int) -> float | None:
    left = None
    for _ in range(TRIES):
        with path.open("rb") as file:
            os.fsync(file.fileno())  # pages that are not yet on the disk cannot be dropped
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        left = _resident(path, size)
        if not left:
            break
        time.sleep(PAUSE_S)
    return left


def _resident(path: Path, size: int) -> float | None:
    with path.open("rb") as file:
        # Copy on write: only of a writable mapping does ctypes tell the address.
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    try:
        return _mincore(mapped, size)
    finally:
        mapped.close()


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
