"""What lies in a store and in the cache, and the removal of what is left over.

Symbolic links are neither followed, counted nor removed.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from evals.errors import RecordError
from runners.journal import Journal, job_unfinished
from runners.leftovers import (
    CacheContent,
    Leftover,
    QuantizedFolder,
    State,
    StoreContent,
    StoredJournal,
    StoredRun,
    Temporary,
)
from runners.measure.groups import remove_abandoned
from runners.record import Record
from runners.store import JOURNALS, TEMPORARY, Store

CACHE_PARTS = (
    "artifacts", "quantized", "converted", "builds", "proven", "hashes", "tmp", "locks",
)  # fmt: skip
_QUANTIZED = re.compile(r"[0-9a-f]{16}-[A-Za-z0-9_]+-(?P<version>.+)")
"""As `runners.quantized` names them: source, type, version of llama-cpp-python."""


def store_content(store: Store) -> StoreContent:
    """Look at every record, journal and temporary folder of a store."""
    runs = []
    for run_id in store.run_ids():
        path = store.root / run_id
        if path.is_symlink():
            continue
        state, key = _state(store, run_id)
        runs.append(
            StoredRun(run_id=run_id, path=path, bytes=tree_bytes(path), state=state, job_key=key)
        )
    journals = [
        StoredJournal(
            job_key=folder.name,
            path=folder,
            bytes=tree_bytes(folder),
            unfinished=job_unfinished(store.root, folder.name),
        )
        for folder in _folders(store.root / JOURNALS)
    ]
    temporary = [
        _temporary(folder) for folder in _folders(store.root) if folder.name.startswith(TEMPORARY)
    ]
    return StoreContent(root=store.root, runs=runs, journals=journals, temporary=temporary)


def cache_content(root: Path) -> CacheContent:
    """Look at the cache's folders."""
    quantized = []
    for folder in _folders(root / "quantized"):
        named = _QUANTIZED.fullmatch(folder.name)
        if named:  # what is named otherwise was put there by somebody else
            quantized.append(
                QuantizedFolder(path=folder, bytes=tree_bytes(folder), version=named["version"])
            )
    return CacheContent(
        root=root,
        part_bytes={part: tree_bytes(root / part) for part in CACHE_PARTS},
        quantized=quantized,
        temporary=[_temporary(folder) for folder in _folders(root / "tmp")],
    )


def remove(leftover: Leftover, *, store: Path, cache: Path) -> str | None:
    """Remove one folder.

    Args:
        leftover: what to remove.
        store: the store's root.
        cache: the cache's root; a folder below neither is left alone.

    Returns:
        Why it was not removed; None when it is gone.
    """
    path = leftover.path
    if leftover.kind == "group":
        return remove_abandoned(path)
    inside = any(_lies_below(path, root) for root in (store, cache))
    if path.is_symlink() or not path.is_dir() or not inside:
        return "is no folder of the store or the cache any more"
    if leftover.kind == "journal" and leftover.job_key is not None:
        return _remove_journal(store, leftover.job_key)
    try:
        shutil.rmtree(path)
    except OSError as error:
        return error.strerror or str(error)
    return None


def tree_bytes(root: Path) -> int:
    """Bytes of the regular files below a folder, without what symbolic links lead to."""
    return sum(status.st_size for status in _files(root))


def _remove_journal(store: Path, job_key: str) -> str | None:
    """Take the journal as a run does: one that is being written is not to be had."""
    journal = Journal(store, job_key)
    try:
        journal.open(fresh=False, wait_s=0)
    except RecordError as error:
        return str(error)
    journal.close(done=True)
    return None


def _state(store: Store, run_id: str) -> tuple[State, str | None]:
    try:
        record: Record = store.read(run_id)
    except RecordError:
        return "unreadable", None
    return record.status, record.job.key


def _temporary(folder: Path) -> Temporary:
    # A file that is still growing does not move its folder's own time.
    newest = max([folder.lstat().st_mtime, *(status.st_mtime for status in _files(folder))])
    return Temporary(path=folder, bytes=tree_bytes(folder), age_s=time.time() - newest)


def _folders(root: Path) -> list[Path]:
    if root.is_symlink() or not root.is_dir():
        return []
    return sorted(Path(e) for e in os.scandir(root) if e.is_dir(follow_symlinks=False))


def _files(root: Path) -> Iterator[os.stat_result]:
    folders = [] if root.is_symlink() else [root]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry))
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it went away meanwhile, or may not be looked into


def _lies_below(path: Path, root: Path) -> bool:
    """Where the folder that holds `path` really is, whatever links lead there."""
    return path.parent.resolve().is_relative_to(root.resolve())
