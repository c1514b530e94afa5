"""What the newest checks say against candidates that a page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from leaderboard.gate.past import PastGate, all_gates, gate_folders, gates_of, newest_gates
from leaderboard.pages.blocks import Block, Note, Text
from leaderboard.pages.controls import Go
from leaderboard.pages.library import Library
from leaderboard.rows.conditions import machine_of
from leaderboard.rows.row import Row
from leaderboard.units import format_minute


def alarms(library: Library, names: Sequence[str]) -> Iterator[Block]:
    """A note for each candidate that regressed in its newest check, and how many did not.

    Args:
        library: whose stores keep the checks.
        names: of the candidates.
    """
    gates, _ = all_gates(gate_folders(library.stores()))
    found = [one for one in newest_gates(gates) if one.candidate in names]
    bad = [one for one in found if one.verdict == "regressed"]
    for gate in bad:
        yield Note(f"{day(gate)}: {gate.line}", "error")
    others = [one for one in found if one.verdict != "regressed"]
    if len(others) == 1:
        yield Text(f"Newest check, {day(others[0])} UTC: {others[0].line}.", small=True)
    elif others:
        counts = sorted(Counter(one.verdict for one in others).items())
        said = ", ".join(f"{verdict} {count}" for verdict, count in counts)
        yield Text(f"Newest checks{' of the others' if bad else ''}: {said}.", small=True)
    if bad:
        yield Go(label="See the checks", page="checks", changes={})


def regressed(library: Library) -> int:
    """Number of candidates whose newest check says that they regressed."""
    gates, _ = all_gates(gate_folders(library.stores()))
    return sum(one.verdict == "regressed" for one in newest_gates(gates))


def failed_check(library: Library, row: Row | None) -> str:
    """What the newest check of a row says against it, a sentence; empty where it says nothing.

    A check on another machine, or of another suite, says nothing of the row.
    """
    if row is None:
        return ""
    record = row.record
    gates, _ = gates_of(gate_folders(library.stores()), record.candidate.name)
    place = record.suite.name, machine_of(record)
    found = next((one for one in gates if (one.suite, one.machine) == place), None)
    if found is None or found.verdict != "regressed":
        return ""
    what = f": {found.guilty}" if found.guilty else ""
    return f"It regressed in its newest check, {day(found)}{what}."


def day(gate: PastGate) -> str:
    """When the check was made, UTC."""
    return format_minute(gate.created_at)
