"""The cache folder: where it is, its locks, its temporary folders and remembered hashes.

Layout: `artifacts/` fetched files, `quantized/` and `converted/` what was made here, `builds/` and
`proven/` what is known of compiled runtimes, `hashes/` sha256 of files used in place, `indexes/`
lm-eval's names of tasks, `locks/`, and `tmp/`, where everything is written before it is renamed
into place.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from evals.errors import ArtifactError
from evals.files import read_small

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1 << 20
MAX_NOTE_BYTES = 16 << 20
STALE_S = 24 * 3600.0


class Progress(Protocol):
    """Told about a transfer as it goes; the command line draws the bar."""

    def __call__(self, name: str, done_bytes: int, total_bytes: int | None, /) -> None:
        """`total_bytes` is None where the sender does not say."""


def cache_root() -> Path:
    """WEIGHIN_CACHE, else `weighin` in the user's cache folder. It need not exist yet.

    Raises:
        ArtifactError: the user has no home, and nothing else says where.
    """
    try:
        return _cache_root()
    except RuntimeError as error:  # of Path.home, for a user whom the system does not know
        raise ArtifactError(
            "there is no home folder for the cache: set HOME, or WEIGHIN_CACHE to a folder"
        ) from error


def _cache_root() -> Path:
    chosen = os.environ.get("WEIGHIN_CACHE")
    if chosen:
        return user_path(chosen).absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        xdg = Path(os.environ.get("XDG_CACHE_HOME") or "")
        # The XDG specification says that a relative path is to be ignored.
        base = xdg if xdg.is_absolute() else Path.home() / ".cache"
    return base / "weighin"


def user_path(text: str) -> Path:
    """The path that a user wrote, with `~` expanded where it means somebody."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def short_key(text: str) -> str:
    """The first 16 hex digits of the text's sha256: a name for folders and locks."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def locked(key: str) -> Iterator[None]:
    """Hold the lock `key` against other processes and threads; the system frees it if we die."""
    from filelock import FileLock  # set-up looks into the cache before anything is installed

    folder = cache_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{key}.lock"):
        yield


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder on the cache's own disk, so that a rename out of it is atomic.

    It is removed however the block ends. What a killed process left is swept when a day old.
    """
    parent = cache_root() / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    oldest = time.time() - STALE_S
    for folder in parent.iterdir():
        # A file that is still growing keeps its folder: a folder's own time does not move then.
        with suppress(OSError):
            newest = max(p.stat().st_mtime for p in (folder, *folder.rglob("*")))
            if newest < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The file's sha256 in hex, read in pieces; `progress` hears of large files only."""
    digest = hashlib.sha256()
    total, done = path.stat().st_size, 0
    loud = progress if total >= 64 * CHUNK_BYTES else None
    with path.open("rb") as file:
        while chunk := file.read(8 * CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if loud:
                loud(f"sha256 of {path.name}", done, total)
    return digest.hexdigest()


def stamp(path: Path) -> dict[str, int]:
    """A file's size, times and inode: one differs once it is written, replaced or copied."""
    stat = path.stat()
    return {
        "bytes": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "inode": stat.st_ino,
        "ctime_ns": stat.st_ctime_ns,  # no program can set it
    }


def is_as_noted(path: Path, note: Path) -> bool:
    """Say whether a file of the cache still has the sha256 in its note.

    It is hashed again only where its stamp is another one (it was touched, the cache was copied,
    or the note is of an older version); the note then gets the new stamp.
    """
    known = read_json(note)
    if not isinstance(known.get("sha256"), str) or not path.is_file():
        return False
    now = stamp(path)
    if all(known.get(key) == value for key, value in now.items()):
        return True
    if now["bytes"] != known.get("bytes") or sha256_of(path) != known["sha256"]:
        return False
    with suppress(OSError):  # the cache may be read-only; then it is hashed each time
        write_json(note, {**known, **now})
    return True


def remembered_sha256(path: Path, progress: Progress | None = None) -> str:
    """The sha256 of a file that is used in place, computed once while the file stays the same.

    The same means: path, size, modification and change time, and inode.
    """
    seen = {"path": str(path), **stamp(path)}
    note = cache_root() / "hashes" / f"{short_key(str(path))}.json"
    known = read_json(note)
    if isinstance(known.get("sha256"), str) and all(known.get(k) == v for k, v in seen.items()):
        return str(known["sha256"])
    digest = sha256_of(path, progress)
    # A cache that cannot be written costs a hash at each start, nothing else.
    with suppress(OSError):
        write_json(note, {**seen, "sha256": digest})
    return digest


def read_json(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty when the file is missing or damaged."""
    try:
        content = json.loads(read_small(path, MAX_NOTE_BYTES))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write under a temporary name, then rename: a reader never sees half of it.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def disk_error(uri: str, error: OSError) -> ArtifactError:
    """One line for a disk that is full or cannot be written or read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ArtifactError(
            f"{uri}: the disk of the cache {cache_root()} is full; free some space, or set "
            "WEIGHIN_CACHE to a folder on another disk"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ArtifactError(
            f"{uri}: {error.filename or cache_root()}: {error.strerror}; set WEIGHIN_CACHE to a "
            "folder that can be written"
        )
    return ArtifactError(f"{uri}: {error.filename or cache_root()}: {error.strerror or error}")
