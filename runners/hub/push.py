"""Records -> a dataset repository: append-only, so that two people's pushes do not clash."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import RecordError
from evals.files import read_small
from runners.hub.card import card
from runners.hub.leaving import Leaving, leaving
from runners.hub.repository import (
    CARD,
    FLAT,
    HubError,
    Repository,
    api,
    one_line_errors,
    path_of,
    run_ids,
)
from runners.records.reading import parse_record
from runners.records.store import MAX_RECORD_BYTES, RECORD, SAMPLES, Store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from runners.records.record import Record

RUNS_A_COMMIT = 50
"""An interrupted push loses no more than these, and goes on behind them."""
TRIES = 5
"""Somebody else may push at the same time: each try reads what they left."""
CONFLICT = 412
Flat = Callable[[Sequence["Record"]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that would be pushed."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Runs that a push would add, and the files that they make."""

    new: tuple[Leaving, ...]
    known: tuple[str, ...]
    """Run ids that the repository has."""
    exists: bool
    """False: the repository would be made."""

    @property
    def files(self) -> list[File]:
        """Every file, with its size; runs.parquet and README.md are written anew."""
        return [
            File(path=path, bytes=len(content))
            for one in self.new
            for path, content in contents(one)
        ]


def prepare(
    store: Store, records: Sequence[Record], where: Repository, *, prompts: bool
) -> Prepared:
    """Read what would be pushed, and what the repository has.

    Raises:
        HubError: the hub cannot be asked.
        RecordError: samples are damaged, or say something else than their record.
    """
    there = _there(where)
    known = set(run_ids(there or []))
    new = []
    for record in records:
        if record.run_id in known:
            continue
        has_samples = (store.root / record.run_id / SAMPLES).exists()
        samples = store.answers(record) if has_samples else None
        new.append(leaving(record, samples, prompts=prompts))
    return Prepared(
        new=tuple(new),
        known=tuple(r.run_id for r in records if r.run_id in known),
        exists=there is not None,
    )


def push(
    prepared: Prepared,
    where: Repository,
    *,
    private: bool,
    flat: Flat,
    say: Callable[[str], object],
) -> None:
    """Add the new runs to the repository, in commits of a few; made first where there is none.

    Args:
        prepared: the runs.
        where: the repository.
        private: of a repository that is made.
        flat: writes `runs.parquet` over all records of the repository.
        say: told each commit.

    Raises:
        HubError: the hub refuses or cannot be reached; commits that were made stay.
    """
    hub = api()
    if not prepared.exists:
        with one_line_errors(where, "making the repository"):
            hub.create_repo(where.name, repo_type="dataset", private=private, exist_ok=True)
    done = 0
    known: dict[str, Record | None] = {}
    for chunk in _chunks(prepared.new):
        _commit(hub, where, chunk, flat, known)
        done += len(chunk)
        say(f"{where}: {done} of {len(prepared.new)} runs are there")


def contents(one: Leaving) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file of a run, as it leaves."""
    run_id = one.record.run_id
    yield path_of(run_id, RECORD), (one.record.model_dump_json(indent=1) + "\n").encode()
    if one.samples is not None:
        import pyarrow.parquet

        buffer = io.BytesIO()
        pyarrow.parquet.write_table(one.samples, buffer, compression="zstd")
        yield path_of(run_id, SAMPLES), buffer.getvalue()


def _there(where: Repository) -> list[str] | None:
    """Files of the repository; None where there is none yet."""
    from huggingface_hub import errors

    with one_line_errors(where, "listing its files"):
        try:
            return list(api().list_repo_files(where.name, repo_type="dataset"))
        except errors.RepositoryNotFoundError:
            return None


def _chunks(new: Sequence[Leaving]) -> Iterator[Sequence[Leaving]]:
    for start in range(0, len(new), RUNS_A_COMMIT):
        yield new[start : start + RUNS_A_COMMIT]


def _commit(
    hub: HfApi, where: Repository, chunk: Sequence[Leaving], flat: Flat,
    known: dict[str, Record | None],
) -> None:  # fmt: skip
    """One commit: the runs, and the flat file and README over all that is then there.

    `known` are the repository's records that were read already, which nobody changes.
    """
    from huggingface_hub import CommitOperationAdd, errors

    for attempt in range(TRIES):
        with one_line_errors(where, "the upload"):
            head = hub.repo_info(where.name, repo_type="dataset").sha
            records = [*_records_there(hub, where, head, known), *(one.record for one in chunk)]
            records = sorted({r.run_id: r for r in records}.values(), key=lambda r: r.run_id)
            files = dict(file for one in chunk for file in contents(one))
            files |= {FLAT: flat(records), CARD: card(where.name, records).encode()}
            operations = [
                CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)
                for path, content in files.items()
            ]
            try:
                hub.create_commit(
                    where.name, operations, repo_type="dataset", parent_commit=head,
                    commit_message=f"Add {len(chunk)} runs",
                )  # fmt: skip
            except errors.HfHubHTTPError as error:
                if _status(error) != CONFLICT or attempt == TRIES - 1:
                    raise
                continue
            return
    raise HubError(f"{where}: others push at the same time; the same command goes on")


def _status(error: Any) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _records_there(
    hub: HfApi, where: Repository, revision: str | None, known: dict[str, Record | None]
) -> Iterator[Record]:
    """Records of the repository, without their raw values; what cannot be read is left out of the
    flat file, and stays where it is.
    """
    files = hub.list_repo_files(where.name, repo_type="dataset", revision=revision)
    for run_id in run_ids(files):
        if run_id not in known:
            known[run_id] = _record_there(hub, where, revision, run_id)
        if (record := known[run_id]) is not None:
            yield record


def _record_there(
    hub: HfApi, where: Repository, revision: str | None, run_id: str
) -> Record | None:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(
        where.name, path_of(run_id, RECORD), repo_type="dataset", revision=revision,
        endpoint=hub.endpoint,
    )  # fmt: skip
    try:
        text = read_small(Path(path), MAX_RECORD_BYTES)
        return parse_record(text, where=f"{where}/{run_id}", raw=False)
    except (RecordError, OSError, UnicodeDecodeError):
        return None
