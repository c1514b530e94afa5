"""A repository of runs -> a store; each run passes the checks that a stranger's record needs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import RecordError
from evals.fetch.cache import cache_root, locked
from evals.replacing import TEMPORARY
from runners.hub.plausible import doubts
from runners.hub.repository import (
    HubError,
    Repository,
    api,
    inside,
    one_line_errors,
    path_of,
    run_ids,
)
from runners.records.merging import merge
from runners.records.parts import FlagInfo
from runners.records.store import MAX_RECORD_BYTES, RECORD, SAMPLES, Store, record_text

MAX_SAMPLES_BYTES = 1 << 30
PULLED, DOUBTFUL = "not measured here", "doubtful"
"""Flags of runs that were pulled."""
STORES = "hub"
"""The cache's folder with a store for each repository that a board was opened on."""


@dataclass(slots=True, kw_only=True)
class Pulled:
    """What came of a repository."""

    revision: str
    """The commit that was read."""
    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[RecordError] = field(default_factory=list)
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Run -> what of it cannot be true, or cannot be derived again."""


def pull(where: Repository, target: Store, say: Callable[[str], object]) -> Pulled:
    """Bring the runs of a repository into a store, those that it lacks.

    Args:
        where: the repository.
        target: the store; it is there.
        say: told of progress.

    Raises:
        HubError: there is no such repository, or the hub cannot be reached.
        RecordError: the store cannot be written.
    """
    hub = api()
    with one_line_errors(where, "listing its files"):
        info = hub.repo_info(where.name, repo_type="dataset", revision=where.revision)
        files = hub.list_repo_files(where.name, repo_type="dataset", revision=info.sha)
    found = Pulled(revision=str(info.sha))
    there = set(target.run_ids())
    wanted = [run_id for run_id in run_ids(files) if run_id not in there]
    found.known = [run_id for run_id in run_ids(files) if run_id in there]
    names = set(files)
    for number, run_id in enumerate(wanted, 1):
        with tempfile.TemporaryDirectory(dir=target.root, prefix=TEMPORARY) as folder:
            source = Store(Path(folder))
            for name in (RECORD, SAMPLES):
                if path_of(run_id, name) in names:
                    _download(where, found.revision, path_of(run_id, name), source.root)
            _take(source, run_id, target, found)
        if number % 20 == 0 or number == len(wanted):
            say(f"{where}: {number} of {len(wanted)} runs")
    return found


def board_store(where: Repository, say: Callable[[str], object]) -> tuple[Path, Pulled]:
    """The cache's store of a repository, brought up to date: what a board is opened on.

    Raises:
        HubError: there is no such repository, or the hub cannot be reached.
    """
    root = cache_root() / STORES / where.name.replace("/", "--") / (where.revision or "main")
    store = Store(root)
    store.create()
    with locked(str(root)):
        return root, pull(where, store, say)


def _download(where: Repository, revision: str, path: str, root: Path) -> None:
    """Put one file of a run where a store has it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    most = MAX_RECORD_BYTES if path.endswith(RECORD) else MAX_SAMPLES_BYTES
    endpoint = api().endpoint
    with one_line_errors(where, f"the download of {path}"):
        url = hf_hub_url(
            where.name, path, repo_type="dataset", revision=revision, endpoint=endpoint
        )
        size = get_hf_file_metadata(url, endpoint=endpoint).size or 0
        if size > most:
            raise HubError(f"{where}: {path} has {size:,} bytes, and {most:,} are the most")
        file = hf_hub_download(
            where.name, path, repo_type="dataset", revision=revision, endpoint=endpoint
        )
    target = inside(root, path.partition("/")[2])
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(file, target)


def _take(source: Store, run_id: str, target: Store, found: Pulled) -> None:
    """Move one run into the store, if it is whole, marked as one that was not measured here."""
    try:
        record = source.read(run_id)
        has_samples = (source.root / run_id / SAMPLES).exists()
        said = doubts(record, source.answers(record) if has_samples else None)
    except RecordError:
        said = ()  # merging says what is wrong with it
    else:
        marked = record.model_copy(update={"flags": [*record.flags, _mark(found.revision, said)]})
        path = source.root / run_id / RECORD
        path.write_text(record_text(marked) + "\n", encoding="utf-8")
    done = merge(source, target)
    found.refused.extend(done.refused)
    found.added.extend(done.added)
    if done.known:
        found.known.append(run_id)
    if said:
        found.doubts.update(dict.fromkeys(done.added, said))


def _mark(revision: str, said: tuple[str, ...]) -> FlagInfo:
    """Flag of a run that came from somebody else: a warning where something of it is doubtful."""
    detail = f"measured by somebody else (commit {revision[:7]}); weighin verify measures a sample"
    if said:
        return FlagInfo(name=DOUBTFUL, detail=f"{'; '.join(said)}; {detail}")
    return FlagInfo(name=PULLED, detail=detail, level="note")
