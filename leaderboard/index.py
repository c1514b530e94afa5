"""A store's index: what the board needs of each record, in one small file.

The file only saves time: it is made anew when it is missing, damaged or of another version, and a
store that cannot be written to is read without it. Raw times and the memory curve are left out;
`runners.store.Store.read` has them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from runners.record import (
    SCHEMA_VERSION,
    CandidateInfo,
    DataInfo,
    Record,
    SuiteInfo,
)
from runners.store import TEMPORARY

INDEX = ".index.parquet"
VERSION = f"1.{SCHEMA_VERSION}"
"""Of the file's layout, and of the records in it."""
_VERSION_KEY = b"weighin.index"
_SHARED: Mapping[str, TypeAdapter[Any]] = {
    "candidate": TypeAdapter(CandidateInfo),
    "suite": TypeAdapter(SuiteInfo),
    "data": TypeAdapter(list[DataInfo]),
    "machine": TypeAdapter(dict[str, Any]),
    "software": TypeAdapter(dict[str, Any]),
}
"""Parts that many records have in common: a column each, read once for all of them."""


class Stamp(NamedTuple):
    """By which a changed file is known."""

    modified_ns: int
    size: int


class Entry(NamedTuple):
    """One run of a store: its record without raw values, or why it cannot be read."""

    stamp: Stamp
    record: Record | None
    error: str = ""


def slim(record: Record) -> Record:
    """A record without the raw times and the memory curve, which are most of it."""
    bare: dict[str, Any] = {"warmups": [], "repeats": []}
    latency = {name: w.model_copy(update=bare) for name, w in record.latency.items()}
    memory = record.memory and record.memory.model_copy(update={"series": []})
    return record.model_copy(update={"latency": latency, "memory": memory})


def read_index(root: Path) -> dict[str, Entry]:
    """Entries by run id; none where there is no index that this version can use."""
    try:
        table = pq.read_table(root / INDEX)
        if (table.schema.metadata or {}).get(_VERSION_KEY) != VERSION.encode():
            return {}
        return _entries(table)
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
    columns: dict[str, list[Any]] = {
        name: [] for name in ("run_id", "modified_ns", "size", "error", "record", *_SHARED)
    }
    for run_id, entry in entries.items():
        content = {} if entry.record is None else entry.record.model_dump(mode="json")
        columns["run_id"].append(run_id)
        columns["modified_ns"].append(entry.stamp.modified_ns)
        columns["size"].append(entry.stamp.size)
        columns["error"].append(entry.error)
        for part in _SHARED:
            columns[part].append(json.dumps(content.pop(part)) if content else None)
        columns["record"].append(json.dumps(content) if content else None)
    strings = {name: pa.string() for name in ("run_id", "error", "record", *_SHARED)}
    types = {**strings, "modified_ns": pa.int64(), "size": pa.int64()}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    return table.replace_schema_metadata({_VERSION_KEY: VERSION.encode()})


def _entries(table: pa.Table) -> dict[str, Entry]:
    known: dict[tuple[str, str], Any] = {}

    def shared(part: str, text: str) -> Any:
        key = (part, text)
        if key not in known:
            known[key] = _SHARED[part].validate_json(text)
        return known[key]

    found = {}
    for line in table.to_pylist():
        record = None
        if line["record"] is not None:
            parts = {part: shared(part, line[part]) for part in _SHARED}
            record = Record.model_validate({**json.loads(line["record"]), **parts})
        stamp = Stamp(line["modified_ns"], line["size"])
        found[line["run_id"]] = Entry(stamp, record, line["error"])
    return found
