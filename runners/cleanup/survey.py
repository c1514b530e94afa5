"""List the content of a store and the cache, and remove what is left over.

Symbolic links are neither followed, counted nor removed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from evals.errors import RecordError
from evals.replacing import ASIDE, TEMPORARY, remove_folder
from runners.cleanup.leftovers import (
    CacheContent,
    Leftover,
    QuantizedFolder,
    State,
    StoreContent,
    StoredJournal,
    StoredRun,
    Temporary,
)
from runners.compute.groups import remove_abandoned
from runners.jobs.journal import Journal, job_unfinished
from runners.records.progress import progress_file, read_progress
from runners.records.record import Record
from runners.records.store import GATES, JOURNALS, Store

CACHE_PARTS = (
    "artifacts", "quantized", "converted", "logits", "builds", "proven", "hashes", "indexes",
    "nltk", "hub", "nodes", "tmp", "locks",
)  # fmt: skip
_QUANTIZED = re.compile(r"[0-9a-f]{16}-[A-Za-z0-9_]+-(?P<version>.+)")
"""Folder names as `runners.candidates.quantized` gives them: source, type, llama-cpp-python
version."""


def store_content(store: Store, baselines: Path | None = None) -> StoreContent:
    """Look at every record, journal and temporary folder of a store.

    Args:
        store: its gates' own stores are looked into for what is temporary, too.
        baselines: folder of baselines, likewise.
    """
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
    gates = [folder for folder in _folders(store.root / GATES) if not _is_temporary(folder)]
    temporary = [
        _temporary(path)
        for parent in (store.root, *gates, *([baselines] if baselines else []))
        for path in _entries(parent)
        if _is_temporary(path) or _is_replaced(path)
    ]
    dead = [
        progress_file(root, one.batch)
        for root in (store.root, *gates)
        for one in read_progress(root)
        if not one.alive
    ]
    temporary += [_temporary(path) for path in dead]
    return StoreContent(
        root=store.root, runs=runs, journals=journals, temporary=temporary, baselines=baselines
    )


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
        logits=[_temporary(folder) for folder in _folders(root / "logits")],
        temporary=[_temporary(folder) for folder in _folders(root / "tmp")],
    )


def remove(
    leftover: Leftover, *, store: Path, cache: Path, baselines: Path | None = None
) -> str | None:
    """Remove one folder or temporary file.

    Args:
        leftover: what to remove.
        store: the store's root.
        cache: the cache's root.
        baselines: the folder of baselines; what lies below none of the three is left alone.

    Returns:
        Why it was not removed; None when it is gone.
    """
    path = leftover.path
    if leftover.kind == "group":
        return remove_abandoned(path)
    roots = [root for root in (store, cache, baselines) if root is not None]
    inside = any(_lies_below(path, root) for root in roots)
    kept = path.is_dir() or (leftover.kind == "temporary" and path.is_file())
    if path.is_symlink() or not kept or not inside:
        return "is no folder of the store or the cache any more"
    if leftover.kind == "journal" and leftover.job_key is not None:
        return _remove_journal(store, leftover.job_key)
    try:
        if path.is_file():
            path.unlink()
        else:
            remove_folder(path)
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
    own = folder.lstat()
    newest = max([own.st_mtime, *(status.st_mtime for status in _files(folder))])
    size = tree_bytes(folder) if folder.is_dir() else own.st_size
    replaced = _is_replaced(folder)
    return Temporary(path=folder, bytes=size, age_s=time.time() - newest, replaced=replaced)


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(TEMPORARY)


def _is_replaced(path: Path) -> bool:
    """True for a folder that was put aside and whose replacement is in place."""
    named = path.name.startswith(".") and path.name.endswith(ASIDE) and path.is_dir()
    return named and path.with_name(path.name[1 : -len(ASIDE)]).exists()


def _folders(root: Path) -> list[Path]:
    return [path for path in _entries(root) if path.is_dir()]


def _entries(root: Path) -> list[Path]:
    """Files and folders of a folder, without symbolic links."""
    if root.is_symlink() or not root.is_dir():
        return []
    return sorted(Path(entry) for entry in os.scandir(root) if not entry.is_symlink())


def _files(root: Path) -> Iterator[os.stat_result]:
    folders = [root] if root.is_dir() and not root.is_symlink() else []
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
    """True if the real folder that holds `path`, links followed, lies below `root`."""
    return path.parent.resolve().is_relative_to(root.resolve())
