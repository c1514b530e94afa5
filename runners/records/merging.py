"""Stores that several machines wrote, brought together: copied, with the same checks."""

from __future__ import annotations

import secrets
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evals.errors import RecordError
from evals.replacing import TEMPORARY, make_folder, put_new, sync
from runners.records.run_ids import candidate_of
from runners.records.store import GATES, RECORD, SAMPLES, Store

if TYPE_CHECKING:
    from pathlib import Path

    from runners.records.record import Record


@dataclass(slots=True, kw_only=True)
class Merged:
    """What became of one store's records."""

    added: list[str] = field(default_factory=list)
    """Run ids under which they lie in the target."""
    known: list[str] = field(default_factory=list)
    """Run ids, in the source, of what the target had already."""
    refused: list[RecordError] = field(default_factory=list)
    """Records that cannot be read, or say something else than their samples."""
    gates: int = 0
    """Reports of `weighin check` that were copied."""


def merge(source: Store, target: Store) -> Merged:
    """Copy what a store has and another lacks; done twice, it is done once.

    A record is known where the target has it under any id, or has an answer of the same job of the
    same batch: a block that was given to a second machine counts once.

    Raises:
        RecordError: the source cannot be read, or the target cannot be written.
    """
    done = Merged()
    there = _Shelf(target)
    for run_id in source.run_ids():
        try:
            record = source.read(run_id)
            if (source.root / run_id / SAMPLES).exists():
                source.answers(record)
        except RecordError as error:
            done.refused.append(error)
            continue
        if there.has(record):
            done.known.append(run_id)
        else:
            done.added.append(there.put(source.root / run_id, record, source))
    done.gates = _copy_gates(source.root / GATES, target.root)
    return done


class _Shelf:
    """A target store, its ids by candidate and job key, so that looking one up reads few files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alike: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._taken = set(store.run_ids())
        for run_id in self._taken:
            self._alike[_shelf_mark(run_id)].append(run_id)

    def has(self, record: Record) -> bool:
        """True where the record, or an answer of the same job of the same batch, is there."""
        for run_id in self._alike[_shelf_mark(record.run_id)]:
            try:
                found = self._store.read(run_id)
            except RecordError:
                continue
            same_job = (found.job.key, found.job.batch) == (record.job.key, record.job.batch)
            if same_job and found.is_answer and record.is_answer:
                return True
            if found.model_copy(update={"run_id": record.run_id}) == record:
                return True
        return False

    def put(self, folder: Path, record: Record, source: Store) -> str:
        """Copy a run's folder; under another id where its own belongs to another run.

        Raises:
            RecordError: the disk is full, or the store cannot be written.
        """
        if record.run_id in self._taken:
            run_id = self._store.new_run_id(record.candidate.name, record.job.key)
            samples = source.answers(record) if (folder / SAMPLES).exists() else None
            self._store.add(record.model_copy(update={"run_id": run_id}), samples)
        else:
            run_id = record.run_id
            _copy(folder, self._store.root, run_id)
        self._taken.add(run_id)
        self._alike[_shelf_mark(run_id)].append(run_id)
        return run_id


def _shelf_mark(run_id: str) -> tuple[str, str]:
    """Candidate and start of the job's key, as an id has them."""
    return candidate_of(run_id), run_id.rpartition("-")[2]


def _copy(folder: Path, root: Path, run_id: str) -> None:
    """Copy a run's two files under a temporary name, then give them their own."""
    temporary = root / f"{TEMPORARY}{run_id}-{secrets.token_hex(4)}"
    try:
        make_folder(temporary)
        for name in (SAMPLES, RECORD):
            if (folder / name).exists():
                shutil.copyfile(folder / name, temporary / name)
        sync(temporary)
        temporary.rename(root / run_id)
    except OSError as error:
        raise RecordError(
            f"store {root}: {run_id} cannot be written ({error.strerror or error}); what was "
            "copied stays, and the same command goes on"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy_gates(source: Path, root: Path) -> int:
    """Copy the reports of checks that the target lacks, by content; the number of them."""
    reports = sorted(source.glob("*.json")) if source.is_dir() else []
    target = root / GATES
    try:
        known = {path.read_bytes() for path in target.glob("*.json")} if reports else set()
        copied = 0
        for path in reports:
            content = path.read_bytes()
            if content in known:
                continue
            make_folder(target)
            made = root / f"{TEMPORARY}{secrets.token_hex(4)}"
            made.write_bytes(content)
            _put(made, target, path)
            known.add(content)
            copied += 1
    except OSError as error:
        raise RecordError(f"{target}: cannot be written ({error.strerror or error})") from error
    return copied


def _put(made: Path, folder: Path, like: Path) -> None:
    for number in range(1000):
        name = like.name if not number else f"{like.stem}-{number}{like.suffix}"
        try:
            put_new(made, folder / name)
        except FileExistsError:
            continue
        return
    made.unlink()
    raise RecordError(f"{folder}: has 1,000 reports that are called {like.name}")
