"""Pick the records of one side of a comparison: one candidate's runs under the same conditions."""

from __future__ import annotations

from collections.abc import Sequence

from evals.errors import RecordError
from leaderboard.rows.conditions import why_unlike
from leaderboard.rows.repeats import newest_of
from runners.records.record import Record


def newest(
    records: Sequence[Record], candidate: str, *, beside: Record | None = None, suite: str = ""
) -> Record | None:
    """The newest run of a candidate; an interrupted one only where there is no other.

    Args:
        records: oldest first.
        candidate: its name.
        beside: a run that it will be held against: a run that may be compared with it in all, an
            older one too, comes before one that may not.
        suite: digest; where the candidate was asked this suite, only those runs are looked at.
    """
    named = [record for record in records if record.candidate.name == candidate]
    named = [record for record in named if record.suite.digest == suite] or named
    if beside is not None:
        fit = [one for one in named if one.status != "interrupted" and comparable(one, beside)]
        named = fit or named
    return newest_of(named) if named else None


def comparable(one: Record, other: Record) -> bool:
    """True where two runs were asked the same under the same conditions."""
    return one.suite.digest == other.suite.digest and not why_unlike(one, other)


def check_apart(sides: Sequence[Sequence[Record]]) -> None:
    """See that no run stands on two sides: what is held against itself always agrees.

    Raises:
        RecordError: one does.
    """
    seen: set[str] = set()
    for runs in sides:
        ids = {run.run_id for run in runs}
        if shared := sorted(seen & ids):
            raise RecordError(
                f"{shared[-1]} stands on both sides, and a run is never held against itself: name "
                "another run, or measure anew (weighin run --fresh)"
            )
        seen |= ids


def only_candidate(records: Sequence[Record], where: str) -> Record:
    """The newest run where all are of one candidate.

    Raises:
        RecordError: there is no run, or of several candidates.
    """
    names = list(dict.fromkeys(record.candidate.name for record in records))
    if len(names) != 1:
        one = f"{where.rstrip('/')}/{names[0]}" if names else ""
        found = f"holds {', '.join(names)}: name one, e.g. {one}" if names else "holds no run"
        raise RecordError(f"{where}: {found}")
    lead = newest(records, names[0])
    return records[-1] if lead is None else lead
