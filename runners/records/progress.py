"""Progress of batches that run, or that died, beside the records of their store.

`<store>/.journal/<batch>.running`: one line of JSON, which its batch overwrites as it goes on and
removes when it ends. Whether the batch still runs is asked of the operating system: it holds a
lock on the file, which a kill releases, too, and which another container sees as well.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runners.records.store import GATES, JOURNALS

SUFFIX = ".running"
MOST_BYTES = 1 << 20
SILENT_S = 600.0
"""Where no lock tells: seconds without a word after which a batch counts as dead."""
Text = Annotated[str, Field(max_length=4000)]
Count = Annotated[int, Field(ge=0, le=10**9)]


class Progress(BaseModel):
    """Where a batch stands."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    batch: Text
    command: Annotated[str, Field(max_length=100_000)]
    """The command that goes on where it stopped."""
    started_at: Text
    """UTC, ISO 8601."""
    heard_at: float = Field(ge=0, le=1e12)
    """When this was written, seconds since 1970."""
    jobs: Count
    """Number of its jobs: candidates times repeats."""
    position: Count
    """Number of the job that runs, from 0."""
    candidate: Text
    repeat: Count
    phase: Text
    task: Text
    workload: Text
    done: Count
    """Items of the job that are answered; in the latency phase requests of the workload."""
    total: Count
    unit: Text = ""
    """What these count, where it is neither: seconds of a number of users."""
    left_s: float | None = Field(default=None, ge=0, le=1e9)
    """Seconds until all of its jobs end, estimated; None while nothing tells."""
    runs: Annotated[list[Text], Field(max_length=10_000)]
    """Runs that it has left in the store, oldest first."""
    keys: Annotated[list[Text], Field(max_length=10_000)]
    """Keys of the jobs that are not finished."""
    alive: bool = False
    """True while it runs; not in the file, as the next."""
    resumes: bool = True
    """False for one of `weighin check --rerun`, which measures both sides anew each time."""


def read_progress(root: Path) -> Iterator[Progress]:
    """Batches of a store that run or died before their end, the newest first.

    A file that cannot be read is left out: it is overwritten while it is read, or not ours.
    """
    try:
        names = sorted(os.listdir(root / JOURNALS), reverse=True)  # noqa: PTH208  (once a second)
    except OSError:
        return
    for name in names:
        found = _read(root / JOURNALS / name) if name.endswith(SUFFIX) else None
        if found is not None:
            yield found


def read_gate_progress(root: Path) -> Iterator[Progress]:
    """Batches of `weighin check --rerun`, each of which has a store of its own below another's."""
    try:
        with os.scandir(root / GATES) as entries:
            stores = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for store in sorted(stores, reverse=True):
        for found in read_progress(store):
            yield found.model_copy(update={"resumes": False})


def take(descriptor: int) -> None:
    """Lock an open file for as long as this process holds it open.

    Raises:
        OSError: another process has it.
    """
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def drop_dead(root: Path, keys: Sequence[str]) -> None:
    """Remove what dead batches left of which every unfinished job is among these keys."""
    for found in list(read_progress(root)):
        if not found.alive and set(found.keys) <= set(keys):
            progress_file(root, found.batch).unlink(missing_ok=True)


def progress_file(root: Path, batch: str) -> Path:
    """Where a batch of a store tells of itself."""
    return root / JOURNALS / f"{batch}{SUFFIX}"


def now() -> str:
    """This moment, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> Progress | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        for _ in range(3):  # while it is overwritten its line may be half of each
            os.lseek(descriptor, 0, os.SEEK_SET)
            line = os.read(descriptor, MOST_BYTES).partition(b"\n")[0]
            try:
                found = Progress.model_validate_json(line)
            except ValidationError:
                continue
            if path.name != f"{found.batch}{SUFFIX}":
                return None
            return found.model_copy(update={"alive": _alive(descriptor, found)})
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return None


def _alive(descriptor: int, found: Progress) -> bool:
    if sys.platform == "win32":
        return _heard(found)
    import fcntl

    try:
        # Shared, so that two readers do not take each other for the batch.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return _heard(found)
    return False


def _heard(found: Progress) -> bool:
    return time.time() - found.heard_at < SILENT_S
