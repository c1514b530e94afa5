"""Read earlier gates: small JSON reports in `<store>/gates/`, for CI logs and the board."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evals.errors import RecordError
from evals.files import read_small
from evals.replacing import TEMPORARY, make_folder, put_new
from leaderboard.gate.report import EXIT, REPORT_VERSION
from leaderboard.gate.words import WORST_FIRST
from leaderboard.rows.stores import StoreView
from leaderboard.stats.noninferiority import GateVerdict
from runners.records.store import GATES

MAX_REPORT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PastGate:
    """One report."""

    created_at: str
    """UTC, ISO 8601."""
    checked_run: str
    """The newest run of the candidate that was judged; its id begins with when it was made."""
    baseline_run: str
    """The newest run of the baseline; empty where the report names none."""
    verdict: GateVerdict
    sentence: str
    baseline: str
    """Name of the candidate that was the baseline."""
    candidate: str
    suite: str
    machine: str | None
    report: dict[str, Any]
    """The report that `weighin check --json` printed."""

    @property
    def line(self) -> str:
        """The sentence without the runs that it names in brackets at its end."""
        head, bracket, runs = self.sentence.rpartition(" (")
        return head if bracket and runs.endswith(")") and " against " in runs else self.sentence

    @property
    def guilty(self) -> str:
        """What decided a regression; empty where the sentence does not say."""
        return self.line.partition(": regressed: ")[2]


def write_gate(store: Path, report: dict[str, Any]) -> Path:
    """Keep a report beside the records of its store.

    Raises:
        RecordError: it cannot be written.
    """
    stamp = re.sub(r"[^0-9T]", "", report["created_at"].partition("+")[0])
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", report["candidate"]["name"]).strip("-.")[:80]
    folder = store / GATES
    try:
        make_folder(folder)
        made = store / f"{TEMPORARY}{secrets.token_hex(4)}"
        try:
            made.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            for number in range(1000):
                with suppress(FileExistsError):
                    name = f"{stamp}-{slug}{f'-{number}' if number else ''}.json"
                    return put_new(made, folder / name)
        finally:
            with suppress(OSError):
                made.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(f"{folder}: cannot be written ({error.strerror})") from error
    raise RecordError(f"{folder}: has 1,000 reports of one second")


def read_gates(store: Path) -> Iterator[PastGate | RecordError]:
    """Every report of a store, oldest first; the error in place of one that cannot be read."""
    for path in sorted((store / GATES).glob("*.json")):
        try:
            seen = path.stat()
            yield _read(path, seen.st_mtime_ns, seen.st_size)
        except OSError as error:
            yield RecordError(f"{path}: cannot be read ({error})")


@lru_cache(maxsize=1024)
def _read(path: Path, _changed_ns: int, _size: int) -> PastGate | RecordError:
    """A report as it was at one time: a page that is drawn anew at each click parses it once."""
    try:
        return _parse(read_small(path, MAX_REPORT_BYTES), str(path))
    except UnicodeDecodeError as error:
        return RecordError(f"{path}: cannot be read ({error})")
    except RecordError as error:
        return error


def _parse(text: str, where: str) -> PastGate:
    try:
        report = json.loads(text)
        version = report["report_version"]
        if version > REPORT_VERSION:
            raise RecordError(f"{where}: report {version} is newer than this Weighin reads")
        verdict: GateVerdict = report["verdict"]
        if verdict not in EXIT:
            raise RecordError(f"{where}: damaged: unknown verdict {verdict!r}")
        machine = report["candidate"]["machine"]
        return PastGate(
            created_at=str(report["created_at"]),
            checked_run=str(report["candidate"]["runs"][-1]),
            baseline_run=str((report["baseline"].get("runs") or [""])[-1]),
            verdict=verdict,
            sentence=str(report["sentence"]),
            baseline=str(report["baseline"]["name"]),
            candidate=str(report["candidate"]["name"]),
            suite=str(report["candidate"]["suite"]),
            machine=None if machine is None else str(machine),
            report=report,
        )
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise RecordError(f"{where}: damaged: no report of a gate ({error!r})") from error


def all_gates(stores: Sequence[Path]) -> tuple[list[PastGate], list[RecordError]]:
    """Every gate of some stores, and the reports that are damaged.

    Args:
        stores: folders of records.

    Returns:
        By the run that was checked, newest first: an old run that is checked today tells of then.
        Checks of one run are in the order in which they were made, newest first.
    """
    found = [one for store in dict.fromkeys(stores) for one in read_gates(store)]
    gates = [one for one in found if isinstance(one, PastGate)]
    damaged = [one for one in found if isinstance(one, RecordError)]
    return sorted(gates, key=lambda one: (one.checked_run, one.created_at), reverse=True), damaged


def newest_gates(gates: Sequence[PastGate]) -> list[PastGate]:
    """The newest gate of each candidate on each suite and machine, the worst verdicts first.

    Args:
        gates: newest first.
    """
    newest: dict[tuple[str, str, str | None], PastGate] = {}
    for gate in gates:
        newest.setdefault((gate.candidate, gate.suite, gate.machine), gate)
    return sorted(newest.values(), key=lambda gate: WORST_FIRST.index(gate.verdict))


def gates_of(stores: Sequence[Path], name: str) -> tuple[list[PastGate], list[RecordError]]:
    """The gates that a candidate was checked in, and the reports that are damaged.

    Args:
        stores: folders of records.
        name: of the candidate.

    Returns:
        In the order of `all_gates`.
    """
    gates, damaged = all_gates(stores)
    return [one for one in gates if one.candidate == name], damaged


def gate_folders(stores: StoreView) -> list[Path]:
    """Every folder in which gates of the stores may lie."""
    return list(dict.fromkeys([*stores.roots, *stores.homes.values()]))
