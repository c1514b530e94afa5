"""Baselines: folders of records that later runs are checked against, each with its reason.

`<folder>/<name>/{baseline.json, <run id>/{record.json, samples.parquet}}`: a store of one
candidate's runs, small enough to commit, so that moving a baseline is a change that is reviewed.
`baseline.json` lists the runs with the sha256 of their files: nothing else is in the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RecordError, did_you_mean
from evals.files import read_small
from evals.replacing import TEMPORARY, make_folder, put_folder, restore, set_aside
from runners.records.record import Record
from runners.records.store import RECORD, SAMPLES, Store

MAX_MANIFEST_BYTES = 1 << 20
MANIFEST = "baseline.json"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One baseline as it was set."""

    name: str
    runs: tuple[Record, ...]
    """Oldest first, at least one."""
    reason: str
    set_at: str
    """UTC, ISO 8601."""


def baseline_names(folder: Path) -> list[str]:
    """Every baseline of a folder, sorted; none where there is no folder."""
    with suppress(OSError):  # of a folder that may only be read, what is there is listed
        for target in set_aside(folder):
            restore(target)
    names = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    return sorted(name for name in names if re.fullmatch(NAME, name))


def read_baseline(folder: Path, name: str) -> Baseline:
    """One baseline with its records.

    Raises:
        RecordError: there is none of that name, it is damaged, or its folder and its list of runs
            differ.
    """
    path = folder / name / MANIFEST
    try:
        restore(folder / name)
        content = json.loads(read_small(path, MAX_MANIFEST_BYTES))
        reason, set_at, listed = (content[key] for key in ("reason", "set_at", "runs"))
        store = Store(folder / name)
        _check_listed(store, listed, content.get("sha256") or {})
        runs = tuple(store.read(run_id) for run_id in listed)
    except FileNotFoundError as error:
        near = did_you_mean(name, baseline_names(folder))
        raise RecordError(f"no baseline {name!r} in {folder}{near}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path}: damaged ({error!r}); set the baseline again") from error
    if not runs:
        raise RecordError(f"{path}: lists no run; set the baseline again")
    return Baseline(name=name, runs=runs, reason=str(reason), set_at=str(set_at))


def check_whole(store: Store) -> None:
    """See that a store which is a baseline's folder holds what its manifest lists; others pass.

    Raises:
        RecordError: it does not.
    """
    if (store.root / MANIFEST).is_file():
        folder = store.root.resolve()
        read_baseline(folder.parent, folder.name)


def _check_listed(store: Store, listed: Sequence[str], hashes: Mapping[str, str]) -> None:
    """See that a baseline's folder holds what its manifest lists, and nothing else.

    Raises:
        RecordError: it does not.
    """
    again = f"bring back what was committed, or set the baseline {store.root.name} again"
    for run_id in store.run_ids():
        if run_id not in listed:
            raise RecordError(
                f"{store.root}: holds {run_id}, which {MANIFEST} does not list; {again}"
            )
    for file, wanted in hashes.items():
        path = store.root / file
        if not path.is_file():
            raise RecordError(f"{path}: is listed in {MANIFEST} and missing; {again}")
        if _hash(path) != wanted:
            raise RecordError(f"{path}: is not the file that {MANIFEST} lists; {again}")


def _hash(path: Path) -> str:
    """The sha256 of a file; a text's line ends count as LF, which git may have changed."""
    content = path.read_bytes()
    text = content.replace(b"\r\n", b"\n") if path.suffix == ".json" else content
    return hashlib.sha256(text).hexdigest()


def set_baseline(
    folder: Path, name: str, store: Store, runs: Sequence[Record], *, reason: str, force: bool
) -> Path:
    """Copy runs of a store into a baseline, in the place of what it was.

    Args:
        folder: of all baselines.
        name: of this one.
        store: where the runs are.
        runs: of one candidate, oldest first, at least one.
        reason: why, in a few words; it is kept.
        force: also what is flagged, incomplete or has no answers.

    Raises:
        RecordError: a run is not fit to be a baseline, or the folder cannot be written.
    """
    if not re.fullmatch(NAME, name):
        raise RecordError(f"{name!r} is no name for a baseline (letters, digits, dots, - and _)")
    if not reason.strip():
        raise RecordError("--reason is empty: say why the baseline is moved")
    unfit = None if force else _unfit(store, runs)
    if unfit:
        raise RecordError(f"{unfit}; measure it again, or insist with --force")
    target = folder / name
    temporary = folder / f"{TEMPORARY}{name}-{secrets.token_hex(4)}"
    manifest: dict[str, Any] = {
        "reason": reason.strip(),
        "set_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "forced": force,
        "runs": [run.run_id for run in runs],
    }
    try:
        make_folder(temporary)
        for run in runs:
            shutil.copytree(store.root / run.run_id, temporary / run.run_id)
        files = sorted(path for path in temporary.glob("*/*") if path.name in (RECORD, SAMPLES))
        manifest["sha256"] = {path.relative_to(temporary).as_posix(): _hash(path) for path in files}
        text = json.dumps(manifest, indent=1) + "\n"
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
        put_folder(temporary, target)
    except OSError as error:
        raise RecordError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _unfit(store: Store, runs: Sequence[Record]) -> str | None:
    for run in runs:
        if run.status != "completed":
            return f"{run.run_id} is {run.status}"
        warning = next((flag for flag in run.flags if flag.level == "warning"), None)
        if warning:
            return f"{run.run_id} is flagged {warning.name} ({warning.detail})"
        if any(task.n < task.asked for task in run.accuracy.values()):
            return f"{run.run_id} has not answered every item"
    scored = [run for run in runs if run.accuracy]
    if not scored:
        return f"no run of {runs[-1].candidate.name} has answered a task"
    if not (store.root / scored[-1].run_id / SAMPLES).is_file():
        return f"{scored[-1].run_id} has no {SAMPLES}, which comparisons by item need"
    return None
