"""Find the records that a user names as one side of a comparison."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import RecordError, SpecError, did_you_mean
from evals.replacing import restore
from evals.terminal import printable
from runners.records.run_ids import candidate_of, slug_of
from runners.records.store import RECORD, SAMPLES, Store

if TYPE_CHECKING:
    from collections.abc import Collection

    from leaderboard.compare.comparison import Side
    from runners.candidates.spec import Candidate
    from runners.records.record import Record


def find_side(
    text: str, store: Store, *, but: Collection[str] = (), beside: Record | None = None,
    suite: str = "",
) -> Side:  # fmt: skip
    """The runs that a text names, with the samples of the one that has answers.

    Args:
        text: a baseline's folder or one of records or of one record, STORE/CANDIDATE, a run id or
            its start or end (that invocation's repeats), or a candidate (its newest runs). Runs of
            a candidate that can be looked up (a file, a Hub id, a name of the catalogue) must be of
            it as it is now.
        store: where run ids and candidates are looked for.
        but: ids of runs that are left out where a candidate is named: those of the other side.
        beside: a run of the other side: where a candidate is named, its runs under the same
            conditions come first.
        suite: digest: where a candidate is named that was asked this suite, its runs on it.

    Raises:
        RecordError: there is no such run, it is damaged, what is named was not measured, or a
            baseline's folder and its manifest differ.
    """
    from leaderboard.compare.sides import newest, only_candidate
    from leaderboard.rows.repeats import runs_of
    from runners.records.baselines import MANIFEST, check_whole, read_baseline

    folder = Path(text)
    with suppress(OSError):
        restore(folder)  # a baseline that was being replaced
    home = store_of(text, store)
    check_whole(home)  # however its runs are named: by a record's folder, FOLDER/CANDIDATE, --store
    if (folder / RECORD).is_file():
        return _side(home, (home.read(folder.resolve().name),))
    if (folder / MANIFEST).is_file():
        named = folder.resolve()
        return _side(home, read_baseline(named.parent, named.name).runs)
    if means_records(text):
        records = readable(home)
        return _side(home, runs_of(only_candidate(records, text), records))
    if _names_run_of(folder):
        records = readable(home, folder.name)
        lead = newest(records, folder.name, beside=beside, suite=suite)
        if lead is not None:
            return _side(home, runs_of(lead, records))
    candidate = looked_up(text)
    name = text if candidate is None else candidate.name
    records = readable(home, name)
    if newest(records, name) is not None:
        current = _current(candidate, records, name, store)
        apart = [record for record in current if record.run_id not in but]
        lead = newest(apart, name, beside=beside, suite=suite)
        if lead is None:
            raise RecordError(
                f"{name}: every run of it in {store.root} belongs to the other side, and a run is "
                "never judged against itself; measure it anew (weighin run --fresh)"
            )
        return _side(store, runs_of(lead, apart))
    if not records:
        raise RecordError(f"store {store.root} holds no run yet: weighin run {text} measures one")
    try:
        lead = store.find(text)
    except RecordError as error:
        near = did_you_mean(text, {record.candidate.name for record in records})
        folderless = _is_path(text) or folder.is_dir()
        kind = f"{text}: no folder of records, and " if folderless else ""
        raise RecordError(f"{kind}{error}{near}") from error
    return _side(store, runs_of(lead, records, one_batch=True))


def fitting(text: str, store: Store, side: Side, other: Side) -> Side:
    """A side, under the other's conditions and on its suite where it was measured so, too.

    Args:
        text: as it was named: where that is no candidate, there is nothing to choose.
        store: of its runs.
        side: what `find_side` made of it.
        other: what it will be held against.
    """
    from leaderboard.compare.sides import comparable

    lead = other.runs[-1]
    if comparable(side.runs[-1], lead):
        return side
    found = find_side(text, store, beside=lead)
    shared = {run.run_id for run in found.runs} & {run.run_id for run in other.runs}
    return side if shared or not comparable(found.runs[-1], lead) else found


def _current(
    candidate: Candidate | None, records: list[Record], name: str, store: Store
) -> list[Record]:
    """The records without those runs of a candidate that are not of it as it is now.

    Raises:
        RecordError: none is.
    """
    if candidate is None:
        return records
    from runners.candidates.as_it_is import as_it_is

    now = as_it_is(candidate)
    named = [record for record in records if record.candidate.name == name]
    reasons = {record.run_id: now.why_not(record) for record in named}
    if all(reasons.values()):
        newest = named[-1].run_id
        raise RecordError(
            f"{name} as it is now was not measured: run it (weighin run); its newest run in "
            f"{store.root}, {newest}, {reasons[newest]}"
        )
    return [record for record in records if not reasons.get(record.run_id)]


def store_of(text: str, store: Store) -> Store:
    """The store that holds a side: a folder is its own, a record's folder lies in one."""
    folder = Path(text)
    if (folder / RECORD).is_file():
        return Store(folder.resolve().parent)
    if _names_run_of(folder):
        return Store(folder.parent)
    return Store(folder) if means_records(text) else store


def _names_run_of(path: Path) -> bool:
    """True for a path STORE/CANDIDATE: nothing of that name lies in a folder that holds runs."""
    return len(path.parts) > 1 and not path.exists() and bool(Store(path.parent).run_ids())


def means_records(text: str) -> bool:
    """True where a text names a folder of records: one that holds some, or that is spelled as a
    path.

    The folder here that happens to be called as a candidate is not what its name means.
    """
    folder = Path(text)
    if not folder.is_dir() or _is_model(folder):
        return False
    return _is_path(text) or bool(Store(folder).run_ids())


def _is_path(text: str) -> bool:
    return "/" in text or os.sep in text


def _is_model(folder: Path) -> bool:
    """True for a folder of a candidate's weights, without records."""
    return (folder / "config.json").is_file()


def names_records(text: str, store: Store) -> bool:
    """True where a text names records by their folder, STORE/CANDIDATE or id."""
    folder = Path(text)
    by_folder = (folder / RECORD).is_file() or means_records(text) or _names_run_of(folder)
    return by_folder or text in store.run_ids()


def looked_up(text: str) -> Candidate | None:
    """The candidate that a text names and that can be looked at; None: a name or id of runs."""
    from runners.candidates.catalogue import candidate_names, find_candidate

    path = Path(text)
    files = _is_path(text) or path.suffix in (".yaml", ".yml", ".gguf") or _is_model(path)
    if not files and text not in candidate_names():
        return None
    try:
        return find_candidate(text)
    except SpecError as error:
        raise RecordError(f"{text}: no folder of records, and no candidate ({error})") from error


def readable(store: Store, name: str | None = None) -> list[Record]:
    """Every record of a store, oldest first.

    Args:
        store: the store.
        name: of the candidate that is meant, if one is: what cannot be read of another is named on
            stderr and left out.

    Raises:
        RecordError: one is damaged or too new. What one cannot read, one cannot judge.
    """
    found = []
    for run_id in store.run_ids():
        try:
            found.append(store.read(run_id))
        except RecordError as error:
            if name is None or candidate_of(run_id) == slug_of(name) or run_id.startswith(name):
                raise
            print(f"weighin: left out: {printable(str(error))}", file=sys.stderr)
    return found


def _side(store: Store, runs: tuple[Record, ...]) -> Side:
    from leaderboard.compare.comparison import Side

    side = Side(runs=runs)
    scored = side.scored
    if not scored.accuracy or not (store.root / scored.run_id / SAMPLES).is_file():
        return side
    return Side(runs=runs, samples=store.answers(scored))
