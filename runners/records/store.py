"""A store: a folder of records, append-only. A reader never sees half a record."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import PydanticSerializationError

from evals.errors import RecordError, did_you_mean
from evals.files import read_small
from evals.replacing import TEMPORARY, make_folder, sync
from runners.records.agreement import disagreement
from runners.records.reading import parse_record
from runners.records.record import RUN_ID, Record
from runners.records.run_ids import next_run_id
from runners.records.samples import as_typed

if TYPE_CHECKING:
    import pyarrow

RECORD, SAMPLES = "record.json", "samples.parquet"
MAX_RECORD_BYTES = 256 << 20
"""A long one, with hours of token times, has ten."""
MAX_ROW_BYTES, MAX_FIXED_BYTES = 4 << 20, 64 << 20
"""Most bytes of a table of items: a row holds its answer, its tokens' times and perhaps its
prompt."""
JOURNALS = ".journal"
GATES = "gates"
"""The folder of a store with what its gates said; a run's id never reads so."""


class Store:
    """`<root>/<run id>/{record.json, samples.parquet}`; unfinished jobs in `<root>/.journal/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> None:
        """Make the folder.

        Raises:
            RecordError: it cannot be made or written to.
        """
        try:
            make_folder(self.root)
            probe = self.root / f"{TEMPORARY}{secrets.token_hex(4)}"
            probe.mkdir()
            probe.rmdir()
        except OSError as error:
            raise RecordError(
                f"store {self.root}: cannot be written ({error.strerror}); give another --store"
            ) from error

    def add(self, record: Record, samples: pyarrow.Table | None) -> Path:
        """Write one record under a temporary name, then give it its own.

        Raises:
            RecordError: the disk is full, or the store cannot be written.
        """
        target = self.root / record.run_id
        # A name of its own: two writers of one second must not clear away each other's folder.
        temporary = self.root / f"{TEMPORARY}{record.run_id}-{secrets.token_hex(4)}"
        try:
            make_folder(temporary)
            if samples is not None:
                _write_parquet(samples, temporary / SAMPLES)
            _write_synced(temporary / RECORD, record_text(record) + "\n")
            sync(temporary)
            temporary.rename(target)
        except OSError as error:
            if target.exists():
                run_id = self.new_run_id(record.candidate.name, record.job.key)
                return self.add(record.model_copy(update={"run_id": run_id}), samples)
            raise RecordError(
                f"store {self.root}: {record.run_id} cannot be written ({error.strerror or error})"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):  # it is whole and has its name: only a power cut can take that away
            sync(self.root)
        return target

    def run_ids(self) -> list[str]:
        """Every run in the store, oldest first; none where there is no folder yet.

        Raises:
            RecordError: it is there and cannot be read.
        """
        try:
            if not self.root.is_dir():
                return []
            return sorted(
                entry.name
                for entry in os.scandir(self.root)
                if re.fullmatch(RUN_ID, entry.name) and entry.is_dir()
            )
        except OSError as error:
            raise RecordError(f"store {self.root}: cannot be read ({error.strerror})") from error

    def read(self, run_id: str, *, raw: bool = True) -> Record:
        """One record; without its raw values where `raw` is False, which is much faster.

        Raises:
            RecordError: missing, damaged, foreign or newer; or its folder belongs to another run.
        """
        if not re.fullmatch(RUN_ID, run_id):
            raise RecordError(f"{run_id!r} is not a run id")
        path = self.root / run_id / RECORD
        try:
            text = read_small(path, MAX_RECORD_BYTES)
        except FileNotFoundError as error:
            near = did_you_mean(run_id, self.run_ids())
            raise RecordError(f"no run {run_id!r} in {self.root}{near}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise RecordError(f"{path}: cannot be read ({error})") from error
        record = parse_record(text, where=str(path), raw=raw)
        if record.run_id != run_id:
            raise RecordError(f"{path}: is the record of {record.run_id!r}, in another's folder")
        return record

    def records(self) -> Iterator[Record | RecordError]:
        """Every record, oldest first; the error in place of one that cannot be read."""
        for run_id in self.run_ids():
            try:
                yield self.read(run_id)
            except RecordError as error:
                yield error

    def find(self, text: str) -> Record:
        """A record by its run id, by the start or end of it, or the newest of a candidate.

        Raises:
            RecordError: none, or several runs that start or end so.
        """
        ids = self.run_ids()
        if text in ids:
            return self.read(text)
        matching = [i for i in ids if i.startswith(text) or i.endswith(f"-{text}")]
        if len(matching) == 1:
            return self.read(matching[0])
        if len(matching) > 1:
            raise RecordError(
                f"{text!r} is not one run: {', '.join(matching[-3:])}; give more of its id"
            )
        for run_id in reversed(ids):
            try:
                record = self.read(run_id)
            except RecordError:
                continue
            if record.candidate.name == text:
                return record
        raise RecordError(
            f"no run {text!r} in {self.root}{did_you_mean(text, ids)}; weighin list runs names "
            "them, --store chooses another store"
        )

    def answered(self, job_key: str) -> Record | None:
        """The newest record of a job that need not be run again."""
        for run_id in reversed([i for i in self.run_ids() if i.endswith(f"-{job_key[:8]}")]):
            try:
                record = self.read(run_id)
            except RecordError:
                continue
            if record.is_answer and record.job.key == job_key:
                return record
        return None

    def new_run_id(self, candidate: str, job_key: str) -> str:
        """An id that sorts behind every run of the store, names the candidate and ends in the job
        key's first digits.

        Its time is the clock's, as long as the clock goes forward: ids are the order in which runs
        were written, so an id may not lie before one that is there. Runs of one candidate never
        share a second.
        """
        return next_run_id(self.run_ids(), candidate, job_key, now=datetime.now(UTC))

    def samples(self, run_id: str, columns: list[str] | None = None) -> pyarrow.Table:
        """The rows of one run, at most as many as its record has items.

        Raises:
            RecordError: missing, damaged, or with more than its record speaks of.
        """
        return self._samples(self.read(run_id, raw=False), columns)

    def _samples(self, record: Record, columns: list[str] | None = None) -> pyarrow.Table:
        import pyarrow.lib
        import pyarrow.parquet

        path = self.root / record.run_id / SAMPLES
        most = sum(task.n for task in record.accuracy.values())
        try:
            if path.exists() and not path.is_file():
                raise RecordError("is not a regular file")
            with pyarrow.parquet.ParquetFile(path) as file:
                about = file.metadata
                size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
                if about.num_rows > most or size > MAX_FIXED_BYTES + most * MAX_ROW_BYTES:
                    raise RecordError(
                        f"{about.num_rows:,} rows of {size:,} bytes in all, where its record has "
                        f"{most:,} items"
                    )
                return as_typed(file.read(columns=columns))
        except RecordError as error:
            raise RecordError(f"{path}: damaged: {error}") from error
        except FileNotFoundError as error:
            raise RecordError(f"{path}: is not there") from error
        except (OSError, pyarrow.lib.ArrowException) as error:
            raise RecordError(f"{path}: cannot be read ({error})") from error

    def answers(self, record: Record) -> pyarrow.Table:
        """The rows of one run, held against its record: for whatever judges or compares runs.

        Raises:
            RecordError: missing or damaged, or they say something else than the record.
        """
        samples = self._samples(record)
        found = disagreement(record, samples)
        if found:
            raise RecordError(
                f"{self.root / record.run_id}: damaged: {found}; measure it again, or bring back "
                "both files as they were written"
            )
        return samples


def default_store() -> Path:
    """`results/runs` in a checkout of Weighin, else `./weighin-results`."""
    here = Path.cwd()
    checkout = (here / "pyproject.toml").is_file() and (here / "evals" / "catalog").is_dir()
    return here / "results" / "runs" if checkout else here / "weighin-results"


def record_text(record: Record) -> str:
    """A record as JSON, also where a file name in it is no text."""
    try:
        return record.model_dump_json(indent=1)
    except PydanticSerializationError:
        # A file name that is no text: Python's JSON escapes it, and reads it back as it was.
        return json.dumps(record.model_dump(mode="json"), indent=1)


def _write_parquet(samples: pyarrow.Table, path: Path) -> None:
    import pyarrow.parquet

    with path.open("wb") as file:
        pyarrow.parquet.write_table(samples, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
