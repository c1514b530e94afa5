"""Decide what a store and the cache no longer need, and why. Pure: it looks at no disk.

Completed records are never left over. Beside the store and the cache, only empty control groups of
a weighin that is gone are known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evals.fetch.cache import STALE_S

UNUSED_S = 30 * 86400
"""Seconds after which a reference's unused logits go; they are evaluated again in seconds."""
State = Literal["completed", "failed", "interrupted", "unreadable"]
STATES: tuple[State, ...] = ("completed", "failed", "interrupted", "unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A record's folder."""

    run_id: str
    """Sorts by time."""
    path: Path
    bytes: int
    state: State
    job_key: str | None
    """Key of the job; None where the record cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJournal:
    """The journal of a job that was not completed."""

    job_key: str
    path: Path
    bytes: int
    unfinished: bool = False
    """A run was begun that a later one would take up, though an earlier one was completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temporary:
    """A folder or file that is renamed or removed when its writer is done."""

    path: Path
    bytes: int
    age_s: float
    """Seconds since anything in it last changed."""
    replaced: bool = False
    """True: it was put aside for a newer one that is in its place by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedFolder:
    """A file that was quantised here, and the llama-cpp-python that did it."""

    path: Path
    bytes: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreContent:
    """Content of a store, as far as cleaning up looks at it."""

    root: Path
    runs: Sequence[StoredRun]
    journals: Sequence[StoredJournal]
    temporary: Sequence[Temporary]
    baselines: Path | None = None
    """The folder of baselines that `temporary` was looked for in, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheContent:
    """Content of the cache, as far as cleaning up looks at it."""

    root: Path
    part_bytes: Mapping[str, int]
    """Bytes by folder of the cache."""
    quantized: Sequence[QuantizedFolder]
    temporary: Sequence[Temporary]
    logits: Sequence[Temporary] = ()
    """Logits of references; their age counts from when they were last used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something that can go."""

    kind: Literal["record", "journal", "temporary", "quantised", "logits", "group"]
    path: Path
    bytes: int
    why: str
    job_key: str | None = None
    """Key of a journal's job, whose lock is taken before the journal is removed, as a run takes
    it."""


def superseded(runs: Sequence[StoredRun]) -> set[str]:
    """The run ids that have a newer record of the same job."""
    newest: dict[str, str] = {}
    for run in runs:
        if run.job_key is not None:
            newest[run.job_key] = max(run.run_id, newest.get(run.job_key, ""))
    return {run.run_id for run in runs if run.job_key and run.run_id < newest[run.job_key]}


def plan(
    store: StoreContent,
    cache: CacheContent,
    *,
    quantiser: str | None,
    groups: Sequence[Path] = (),
) -> tuple[Leftover, ...]:
    """List what can be removed.

    Args:
        store: its content.
        cache: its content.
        quantiser: the version of llama-cpp-python that is installed; None: none is, and then
            nobody can say which quantised files are still wanted.
        groups: control groups that held a worker to a budget, and whose maker is gone.
    """
    completed: dict[str, str] = {}
    for run in store.runs:
        if run.state == "completed" and run.job_key is not None:
            completed[run.job_key] = max(run.run_id, completed.get(run.job_key, ""))
    return (
        *_records(store.runs, completed),
        *_journals(store.journals, completed),
        *_stale(store.temporary),
        *_quantized(cache.quantized, quantiser),
        *_unused(cache.logits),
        *_stale(cache.temporary),
        *(
            Leftover(kind="group", path=path, bytes=0, why="its weighin was killed; it is empty")
            for path in groups
        ),
    )


def _records(runs: Sequence[StoredRun], completed: Mapping[str, str]) -> Iterator[Leftover]:
    for run in runs:
        later = completed.get(run.job_key or "", "")
        if run.state in ("failed", "interrupted") and later > run.run_id:
            why = f"{run.state}, and completed later by {later}"
            yield Leftover(kind="record", path=run.path, bytes=run.bytes, why=why)


def _journals(
    journals: Sequence[StoredJournal], completed: Mapping[str, str]
) -> Iterator[Leftover]:
    for journal in journals:
        done = completed.get(journal.job_key)
        if done is not None and not journal.unfinished:
            yield Leftover(
                kind="journal",
                path=journal.path,
                bytes=journal.bytes,
                why=f"its job is completed: {done}",
                job_key=journal.job_key,
            )


def _stale(folders: Sequence[Temporary]) -> Iterator[Leftover]:
    for folder in folders:
        if folder.replaced:
            why = "another is in its place: whoever replaced it was killed"
            yield Leftover(kind="temporary", path=folder.path, bytes=folder.bytes, why=why)
        elif folder.age_s > STALE_S:
            why = f"its writer is gone: nothing in it changed for {folder.age_s / 3600:.0f} hours"
            yield Leftover(kind="temporary", path=folder.path, bytes=folder.bytes, why=why)


def _unused(logits: Sequence[Temporary]) -> Iterator[Leftover]:
    for folder in logits:
        if folder.age_s > UNUSED_S:
            why = f"a reference's logits, not used for {folder.age_s / 86400:.0f} days"
            yield Leftover(kind="logits", path=folder.path, bytes=folder.bytes, why=why)


def _quantized(folders: Sequence[QuantizedFolder], installed: str | None) -> Iterator[Leftover]:
    for folder in folders:
        if installed is not None and folder.version != installed:
            why = f"made by llama-cpp-python {folder.version}, installed is {installed}"
            yield Leftover(kind="quantised", path=folder.path, bytes=folder.bytes, why=why)
