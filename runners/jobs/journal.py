"""The journal of an unfinished job: what must not be measured again when it is taken up.

`<store>/.journal/<job key>/journal-v<protocol>.<format>.jsonl`, a line an event, each synced
before the job goes on. A line that a kill cut in half is ignored. Windows are journalled whole: one
that was not answered is repeated entirely, from the same empty cache, and so gives the same bits.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from evals.errors import RecordError
from runners.records.store import JOURNALS
from runners.worker import protocol

FORMAT = 2
"""Version of the events beside the worker's messages."""
FILE = f"journal-v{protocol.VERSION}.{FORMAT}.jsonl"
"""A journal of another protocol or format is not read: what it holds is measured anew."""
START, STORED = "start", "stored"
"""Kinds of events: a worker was started on the job; its record is about to be stored."""


class JobBusyError(RecordError):
    """Another process is running this job."""


class Journal:
    """Events of one job, kept by one process at a time."""

    def __init__(self, store: Path, job_key: str) -> None:
        self._folder = store / JOURNALS / job_key
        self._path = self._folder / FILE
        self._lock = FileLock(store / JOURNALS / f"{job_key}.lock")
        self.events: list[dict[str, Any]] = []
        self.outdated = False
        """True where another version of Weighin left a journal, which was discarded."""

    def open(self, *, fresh: bool, wait_s: float) -> None:
        """Take the job for this process and read what an earlier one left.

        Raises:
            JobBusyError: another process still runs this job after `wait_s`.
            RecordError: the store cannot be written.
        """
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=wait_s, poll_interval=0.5)
            # Not before: who had the lock takes the folder away when the job is done.
            self._folder.mkdir(exist_ok=True)
            if fresh:
                self._path.unlink(missing_ok=True)
            self._discard_outdated()
            self.events = self._read()
        except Timeout as error:
            raise JobBusyError(
                f"{self._folder}: another weighin is running this job; wait for it, or give another"
                " --store"
            ) from error
        except OSError as error:
            raise RecordError(
                f"{self._folder}: cannot be written ({error.strerror}); give another --store"
            ) from error

    def append(self, event: dict[str, Any]) -> None:
        """Keep one event; on return it is on the disk.

        Raises:
            RecordError: the disk is full.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RecordError(
                f"{self._path}: cannot be written ({error.strerror}); what is in it is kept: "
                "make room and run the same command again"
            ) from error
        self.events.append(event)

    def find(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        return [event for event in self.events if event.get("kind") == kind]

    @property
    def unfinished(self) -> bool:
        """True where a run of the job was begun that did not come to its record."""
        return unfinished(self.events)

    def discard(self) -> None:
        """Forget every event: what they hold was measured with something else."""
        self._path.unlink(missing_ok=True)
        self.events = []

    def close(self, *, done: bool) -> None:
        """Give the job back; when it is done its journal goes."""
        if done:
            shutil.rmtree(self._folder, ignore_errors=True)
            # While it is held: afterwards the file may be the next one's lock. Windows keeps it.
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _discard_outdated(self) -> None:
        for path in self._folder.glob("journal-v*.jsonl"):
            if path.name != FILE:
                path.unlink(missing_ok=True)
                self.outdated = True

    def _read(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        events, good = read_events(self._path)
        # The rest goes from the file too, so that what is written next is read again. Cut, not
        # written anew: a kill in between would lose all of it.
        os.truncate(self._path, good)
        return events


def read_events(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The events of a journal's file, and the bytes that they take; none where there is no file."""
    events: list[dict[str, Any]] = []
    good = 0
    if not path.exists():
        return events, good
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            break  # what comes after a damaged line was written by nobody we know
        if not line.endswith(b"\n"):
            break
        good += len(line)
        if isinstance(event, dict):
            events.append(event)
    return events, good


def unfinished(events: Sequence[Mapping[str, Any]]) -> bool:
    """True where these events begin a run that did not come to its record."""
    kinds = [event.get("kind") for event in events]
    return START in kinds and kinds[-1] != STORED


def job_unfinished(store: Path, job_key: str) -> bool:
    """True where a job's journal holds a begun run without its record; does not take the job."""
    try:
        return unfinished(read_events(store / JOURNALS / job_key / FILE)[0])
    except OSError:
        return False
