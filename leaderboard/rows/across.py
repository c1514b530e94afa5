"""One candidate on several machines: rows that are shown together and never ranked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.conditions import conditions, machine_in_full, suite_in_full
from leaderboard.rows.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """Candidates x machines, on one suite."""

    machines: dict[str, str]
    """Fingerprint -> what it is called, the one with most candidates first."""
    rows: dict[str, dict[str, Row]]
    """Digest of the candidate -> fingerprint -> its row there."""

    def ratio(self, digest: str, machine: str, key: str) -> float | None:
        """A metric on a machine over the same on the first one; None where either lacks it."""
        first = next(iter(self.machines))
        found = self.rows[digest]
        a, b = (found[m].value(key) if m in found else None for m in (first, machine))
        return None if not a or b is None else b / a

    def relative(self, digest: str, reference: str, machine: str, key: str) -> float | None:
        """A metric of a candidate over a reference's on the same machine; None where either lacks
        it.
        """
        found = [self.rows[one].get(machine) for one in (reference, digest)]
        a, b = (row.value(key) if row else None for row in found)
        return None if not a or b is None else b / a

    @property
    def on_several(self) -> tuple[str, ...]:
        """Digests of the candidates that were measured on two machines or more, most first."""
        several = [digest for digest, there in self.rows.items() if len(there) > 1]
        return tuple(sorted(several, key=lambda digest: -len(self.rows[digest])))

    def spread(self, digest: str) -> tuple[float, float] | None:
        """Lowest and highest accuracy of a candidate over machines; None where none has one."""
        scores = [row.value("accuracy") for row in self.rows[digest].values()]
        known = [score for score in scores if score is not None]
        return (min(known), max(known)) if known else None


def suites_on_several_machines(rows: Sequence[Row]) -> dict[str, str]:
    """Suites that one candidate at least was measured with on two machines: digest -> name."""
    found: dict[str, str] = {}
    for suite in dict.fromkeys(row.record.suite.digest for row in rows):
        if any(len(there) > 1 for there in across(rows, suite).rows.values()):
            record = next(row.record for row in rows if row.record.suite.digest == suite)
            found[suite] = suite_in_full(record)
    return found


def across(rows: Sequence[Row], suite: str) -> Across:
    """Rows of one suite by candidate and machine.

    Of several rows of a candidate on one machine the one without a budget is taken, and of those
    the newest that completed.

    Args:
        rows: of all conditions.
        suite: digest.
    """
    found: dict[str, dict[str, Row]] = {}
    names: dict[str, str] = {}
    asked = [row for row in rows if row.record.suite.digest == suite]
    for row in sorted(asked, key=_last_is_best):
        machine = conditions(row.record).place.machine
        names[machine] = machine_in_full(row.record)
        found.setdefault(row.record.candidate.digest, {})[machine] = row
    counts = {m: sum(m in there for there in found.values()) for m in names}
    machines = sorted(names, key=lambda machine: (-counts[machine], machine))
    return Across(machines={m: names[m] for m in machines}, rows=found)


def _last_is_best(row: Row) -> tuple[bool, bool, str]:
    return row.record.status == "completed", row.record.budget is None, row.record.run_id
