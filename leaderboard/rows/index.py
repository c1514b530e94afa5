"""A store's index: what the board needs of each record, in one small file.

The file only saves time: it is made anew when it is missing, damaged or of another version, and a
store that cannot be written to is read without it. Raw times and the memory curve are left out;
`runners.records.store.Store.read` has them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from evals.replacing import TEMPORARY
from runners.records.circumstances import MachineInfo, SoftwareInfo
from runners.records.record import SCHEMA_VERSION, CandidateInfo, DataInfo, Record, SuiteInfo

INDEX = ".index.parquet"
VERSION = f"4.{SCHEMA_VERSION}"
"""Version of the file's layout, of what reading makes of a record, and of the records in it."""
_VERSION_KEY = b"weighin.index"
_SHARED: Mapping[str, TypeAdapter[Any]] = {
    "candidate": TypeAdapter(CandidateInfo),
    "suite": TypeAdapter(SuiteInfo),
    "data": TypeAdapter(list[DataInfo]),
    "machine": TypeAdapter(MachineInfo),
    "software": TypeAdapter(SoftwareInfo),
}
"""Parts that many records have in common: a column each, read once for all of them."""


_TYPES = {
    "run_id": pa.string(), "modified_ns": pa.int64(), "size": pa.int64(), "error": pa.string(),
    "record": pa.string(),
}  # fmt: skip


class Stamp(NamedTuple):
    """Stamp by which a changed file is known."""

    modified_ns: int
    size: int


class Entry(NamedTuple):
    """One run of a store: its record without raw values, or why it cannot be read."""

    stamp: Stamp
    record: Record | None
    error: str = ""


def read_index(root: Path, pool: Pool) -> dict[str, Entry]:
    """Entries by run id; none where there is no index that this version can use."""
    try:
        table = pq.read_table(root / INDEX)
        if (table.schema.metadata or {}).get(_VERSION_KEY) != VERSION.encode():
            return {}
        return _entries(table, pool)
    except (OSError, pa.ArrowException, ValidationError, ValueError, KeyError, TypeError):
        return {}


def write_index(root: Path, entries: Mapping[str, Entry]) -> bool:
    """Replace the index as a whole; False where the store cannot be written to."""
    temporary = root / f"{TEMPORARY}index-{secrets.token_hex(4)}"
    try:
        pq.write_table(_table(entries), temporary, compression="zstd")
        os.replace(temporary, root / INDEX)  # noqa: PTH105  (Path.replace is the same call)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        return False
    return True


def _table(entries: Mapping[str, Entry]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in (*_TYPES, *_SHARED)}
    texts: dict[int, str] = {}
    for run_id, entry in entries.items():
        columns["run_id"].append(run_id)
        columns["modified_ns"].append(entry.stamp.modified_ns)
        columns["size"].append(entry.stamp.size)
        columns["error"].append(entry.error)
        rest = entry.record and entry.record.model_dump_json(exclude=set(_SHARED))
        columns["record"].append(rest)
        for part, adapter in _SHARED.items():
            value = getattr(entry.record, part, None)
            if id(value) not in texts:
                texts[id(value)] = adapter.dump_json(value).decode() if entry.record else ""
            columns[part].append(texts[id(value)])
    types = {**_TYPES, **dict.fromkeys(_SHARED, pa.string())}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    return table.replace_schema_metadata({_VERSION_KEY: VERSION.encode()})


def _entries(table: pa.Table, pool: Pool) -> dict[str, Entry]:
    found = {}
    with _no_collection():
        for line in (
            one for part in table.to_batches(max_chunksize=100) for one in part.to_pylist()
        ):
            record = None
            if line["record"] is not None:
                parts = {part: pool.parsed(part, line[part]) for part in _SHARED}
                record = Record.model_validate({**json.loads(line["record"]), **parts})
                pool.share_given(record)
            stamp = Stamp(line["modified_ns"], line["size"])
            found[line["run_id"]] = Entry(stamp, record, line["error"])
    return found


class Pool:
    """Parts of records that are equal, held once: thousands of runs share a suite and a machine."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}
        self._given: dict[frozenset[str], set[str]] = {}

    def parsed(self, part: str, text: str) -> Any:
        """A part from its JSON."""
        key = (part, text)
        if key not in self._known:
            self._known[key] = _SHARED[part].validate_json(text)
        return self._known[key]

    def shared(self, record: Record) -> Record:
        """Let a record share what it has in common with earlier ones."""
        parts = {}
        for part, adapter in _SHARED.items():
            value = getattr(record, part)
            parts[part] = self._known.setdefault((part, adapter.dump_json(value).decode()), value)
        self.share_given(record)
        return record.model_copy(update=parts)

    def share_given(self, record: Record) -> None:
        """Let the scores of all tasks share the names of the fields that were given.

        pydantic keeps a set of them in each object: of twenty names it takes 2 KB, more than the
        score itself, and a suite may have sixty tasks.
        """
        for score in record.accuracy.values():
            given = score.model_fields_set
            shared = self._given.setdefault(frozenset(given), given)
            object.__setattr__(score, "__pydantic_fields_set__", shared)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Switch garbage collection off, since a load of thousands of records makes no garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
