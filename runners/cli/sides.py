"""What a user names as one side of a comparison, and the records that it means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import RecordError, SpecError, did_you_mean
from runners.store import RECORD, SAMPLES, Store

if TYPE_CHECKING:
    from leaderboard.compare import Side
    from runners.record import Record


def find_side(text: str, store: Store) -> Side:
    """The runs that a text names, with the samples of the one that has answers.

    Args:
        text: a folder of records or of one record, a run id or its start or end (that
            invocation's repeats), or a candidate (its newest runs).
        store: where run ids and candidates are looked for.

    Raises:
        RecordError: there is no such run, or it is damaged.
    """
    from leaderboard.sides import newest, only_candidate, runs_beside

    folder, home = Path(text), store_of(text, store)
    if (folder / RECORD).is_file():
        return _side(home, (home.read(folder.resolve().name),))
    records = readable(home)
    if folder.is_dir():
        return _side(home, runs_beside(only_candidate(records, text), records))
    found = newest(records, _name(text))
    if found is not None:
        return _side(store, runs_beside(found, records))
    if not records:
        raise RecordError(f"store {store.root} holds no run yet: weighin run {text} measures one")
    try:
        lead = store.find(text)
    except RecordError as error:
        near = did_you_mean(text, {record.candidate.name for record in records})
        kind = f"{text}: no folder of records, and " if "/" in text else ""
        raise RecordError(f"{kind}{error}{near}") from error
    return _side(store, runs_beside(lead, records, one_batch=True))


def store_of(text: str, store: Store) -> Store:
    """The store that holds a side: a folder is its own, a record's folder lies in one."""
    folder = Path(text)
    if (folder / RECORD).is_file():
        return Store(folder.resolve().parent)
    return Store(folder) if folder.is_dir() else store


def _name(text: str) -> str:
    """The name that records give to what was run: a file's or a Hub id's is not what one writes."""
    if "/" not in text and Path(text).suffix not in (".yaml", ".yml", ".gguf"):
        return text
    from evals.catalogue import find_candidate

    try:
        return find_candidate(text).name
    except SpecError as error:
        raise RecordError(f"{text}: no folder of records, and no candidate ({error})") from error


def readable(store: Store) -> list[Record]:
    """Every record of a store, oldest first.

    Raises:
        RecordError: one is damaged or too new. What one cannot read, one cannot judge.
    """
    found = []
    for record in store.records():
        if isinstance(record, RecordError):
            raise record
        found.append(record)
    return found


def _side(store: Store, runs: tuple[Record, ...]) -> Side:
    from leaderboard.compare import Side

    side = Side(runs=runs)
    scored = side.scored
    if not scored.accuracy or not (store.root / scored.run_id / SAMPLES).is_file():
        return side
    return Side(runs=runs, samples=store.samples(scored.run_id))
