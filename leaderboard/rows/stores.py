"""Several stores as one: their records without raw values, and what could not be read."""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import RecordError
from leaderboard.rows.conditions import machine_of
from leaderboard.rows.index import Entry, Pool, Stamp, read_index, write_index
from runners.records.progress import Progress, read_gate_progress, read_progress
from runners.records.record import Record
from runners.records.store import RECORD, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A record, or a whole store, that cannot be shown."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoreView:
    """Content of the stores when they were looked at."""

    signature: str
    """Differs when any record was added, changed or removed: a key for caches."""
    roots: tuple[Path, ...]
    """The folders that were asked for."""
    records: tuple[Record, ...]
    """Oldest first, each run once, without raw times and memory curves."""
    homes: Mapping[str, Path] = field(default_factory=dict)
    """The store of each run id."""
    notices: tuple[Notice, ...] = ()

    def full(self, run_id: str) -> Record:
        """A record with its raw values.

        Raises:
            RecordError: it is not there, or damaged.
        """
        return self._home(run_id).read(run_id)

    def store(self, run_id: str) -> Store:
        """The store that a run lies in, e.g. for its samples.

        Raises:
            RecordError: none has it.
        """
        return self._home(run_id)

    def progress(self) -> tuple[Progress, ...]:
        """Batches of the stores that run at this moment or died, the newest first in each."""
        folders = dict.fromkeys([*self.roots, *self.homes.values()])
        return tuple(
            one
            for folder in folders
            for one in (*read_progress(folder), *read_gate_progress(folder))
        )

    def _home(self, run_id: str) -> Store:
        if run_id not in self.homes:
            where = ", ".join(map(str, self.roots))
            raise RecordError(f"no run {run_id!r} in {where}")
        return Store(self.homes[run_id])


SHIPPED = "reference"
"""Name of the store whose records come with Weighin."""


def shipped_machines(found: StoreView) -> frozenset[str]:
    """Fingerprints of the machines of which there are only runs that come with Weighin."""
    ours: set[str] = set()
    theirs: set[str] = set()
    for record in found.records:
        home = found.homes.get(record.run_id)
        shipped = home is not None and home.name == SHIPPED
        (theirs if shipped else ours).add(machine_of(record))
    return frozenset(theirs - ours)


class StoreReader:
    """Reads stores again and again, each record once: a run that ends elsewhere appears."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._known: dict[Path, dict[str, Entry]] = {}
        self._pool = Pool()
        self._view: StoreView | None = None
        self._lock = threading.Lock()

    def read(self) -> StoreView:
        """Look at the stores; returns the same object while nothing has changed."""
        with self._lock:
            stamps, notices = _survey(self._roots)
            signature = _signature(stamps, notices)
            if self._view is None or self._view.signature != signature:
                self._view = self._look(signature, stamps, notices)
            return self._view

    def _look(
        self, signature: str, stamps: Mapping[Path, Mapping[str, Stamp]], notices: list[Notice]
    ) -> StoreView:
        self._known = {root: self._refresh(root, runs) for root, runs in stamps.items()}
        # A million objects that stay: looking through them for garbage takes a third of a second.
        gc.freeze()
        records: dict[str, Record] = {}
        homes: dict[str, Path] = {}
        for root, entries in self._known.items():
            for run_id, entry in entries.items():
                if entry.record is None:
                    notices.append(Notice(path=root / run_id / RECORD, reason=entry.error))
                elif run_id not in records:  # a copy of a run in another store is the same run
                    records[run_id], homes[run_id] = entry.record, root
        return StoreView(
            signature=signature,
            roots=self._roots,
            records=tuple(records[run_id] for run_id in sorted(records)),
            homes=homes,
            notices=tuple(notices),
        )

    def _refresh(self, root: Path, stamps: Mapping[str, Stamp]) -> dict[str, Entry]:
        """The entries of one store: those that have not changed are not read again."""
        first = root not in self._known
        known = read_index(root, self._pool) if first else self._known[root]
        store = Store(root)
        entries = {}
        for run_id, stamp in stamps.items():
            old = known.get(run_id)
            same = old is not None and old.stamp == stamp
            entries[run_id] = (
                old if old is not None and same else _read(store, run_id, stamp, self._pool)
            )
        if entries != known:
            write_index(root, entries)
        return entries


def stores_in(folder: Path) -> list[Path]:
    """The stores that a folder stands for: itself, or those right below it that hold runs.

    Raises:
        RecordError: it cannot be read.
    """
    if Store(folder).run_ids() or not folder.is_dir():
        return [folder]
    try:
        below = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise RecordError(f"{folder}: cannot be read ({error.strerror})") from error
    found = [one for one in below if not one.name.startswith(".") and Store(one).run_ids()]
    return found or [folder]


def _survey(roots: Sequence[Path]) -> tuple[dict[Path, dict[str, Stamp]], list[Notice]]:
    """Every run's stamp, by store."""
    stamps: dict[Path, dict[str, Stamp]] = {}
    notices = []
    for folder in roots:
        try:
            for root in stores_in(folder):
                stamps[root] = {
                    run_id: _stamp(f"{root}/{run_id}/{RECORD}") for run_id in Store(root).run_ids()
                }
        except RecordError as error:
            notices.append(Notice(path=folder, reason=str(error)))
    return stamps, notices


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  (thousands of them: a Path costs more than the call)
    except OSError:
        return Stamp(0, -1)  # what is wrong with it is said when it is read
    return Stamp(found.st_mtime_ns, found.st_size)


def _signature(stamps: Mapping[Path, Mapping[str, Stamp]], notices: Sequence[Notice]) -> str:
    content = [(str(root), sorted(runs.items())) for root, runs in stamps.items()]
    return hashlib.sha256(repr((content, notices)).encode()).hexdigest()[:16]


def _read(store: Store, run_id: str, stamp: Stamp, pool: Pool) -> Entry:
    try:
        return Entry(stamp, pool.shared(store.read(run_id, raw=False)))
    except RecordError as error:
        return Entry(stamp, None, str(error))
