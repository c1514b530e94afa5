"""Which of many records are one side of a comparison: the runs of one candidate, alike in all."""

from __future__ import annotations

from collections.abc import Sequence

from evals.errors import RecordError
from leaderboard.rows.conditions import why_unlike
from leaderboard.rows.repeats import runs_key
from runners.records.record import Record


def newest(
    records: Sequence[Record], candidate: str, *, beside: Record | None = None
) -> Record | None:
    """The newest run of a candidate; an interrupted one only where there is no other.

    Args:
        records: oldest first.
        candidate: its name.
        beside: a run that it will be held against: a run that may be compared with it in all, an
            older one too, comes before one that may not.
    """
    named = [record for record in records if record.candidate.name == candidate]
    ended = [record for record in named if record.status != "interrupted"]
    if beside is not None and (fit := [run for run in ended if comparable(run, beside)]):
        return fit[-1]
    return ended[-1] if ended else named[-1] if named else None


def comparable(one: Record, other: Record) -> bool:
    """Whether two runs were asked the same under the same conditions."""
    return one.suite.digest == other.suite.digest and not why_unlike(one, other)


def runs_beside(
    lead: Record, records: Sequence[Record], *, one_batch: bool = False
) -> tuple[Record, ...]:
    """The runs that may be judged together with one of them.

    Args:
        lead: a run of the side, as a rule the newest.
        records: of its store, oldest first.
        one_batch: of the lead's invocation alone, so that two measurements of one candidate can
            be compared.

    Returns:
        Of each repeat the newest completed run of the same candidate under the same conditions,
        or in its place what failed in the lead's batch, as on the board; oldest first. The lead
        alone where it has no equal.
    """
    found: dict[int, Record] = {}
    for record in records:
        together = record.job.batch == lead.job.batch
        if one_batch and not together:
            continue
        alike = record.status == "completed" and runs_key(record) == runs_key(lead)
        # What could not be fetched has another digest, and the name.
        broke = record.status == "failed" and record.candidate.name == lead.candidate.name
        if alike or (broke and together):
            found[record.job.repeat] = record
    return tuple(sorted(found.values(), key=lambda record: record.run_id)) or (lead,)


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
