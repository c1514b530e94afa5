"""Checks of the folders that are written: the cache and the store."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from runners.cleanup.survey import tree_bytes
from runners.doctor.check import Check, ShowBytes

LEAST_FREE_BYTES = 2 << 30
"""Weights of half a billion parameters at F16, their source and a store still fit."""


def cache_check(root: Path, show: ShowBytes) -> Check:
    """Check the folder of weights and data; the cache need not exist yet."""
    return _folder("cache", root, show, advice="set WEIGHIN_CACHE to another folder")


def store_check(root: Path, show: ShowBytes) -> Check:
    """Check the folder of records."""
    return _folder("store", root, show, advice="give another --store")


def _folder(name: str, root: Path, show: ShowBytes, *, advice: str) -> Check:
    existing = next(
        path for path in (root, *root.parents) if _is_there(path) or path == path.parent
    )
    problem = _cannot_write(existing)
    if problem:
        found = f"{root}, cannot be written ({problem})"
        return Check(name=name, status="missing", found=found, advice=advice)
    free = shutil.disk_usage(existing).free
    size = f"{show(tree_bytes(root))} used" if root == existing else "does not exist yet"
    found = f"{root}, {size}, {show(free)} free"
    if free < LEAST_FREE_BYTES:
        return Check(
            name=name,
            status="limited",
            found=found,
            advice=f"free some space (weighin gc says what can go), or {advice}",
        )
    return Check(name=name, status="ok", found=found)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # not to be seen by this user; the folder around it says why


def _cannot_write(folder: Path) -> str | None:
    """Why a file cannot be made there; asked of the disk, as permissions don't tell all."""
    if not folder.is_dir():
        return "not a folder"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
