"""Records that belong together: the runs of one candidate under one set of conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leaderboard.rows.conditions import Conditions, conditions
from runners.records.record import Record


class RunsKey(NamedTuple):
    """Identity and conditions that the runs of one candidate share."""

    name: str
    digest: str
    conditions: Conditions


def runs_key(record: Record) -> RunsKey:
    """Identity and conditions of a record, equal for its repeats."""
    return RunsKey(
        name=record.candidate.name,
        digest=record.candidate.digest,
        conditions=conditions(record),
    )


def runs_of(
    lead: Record, records: Iterable[Record], *, one_batch: bool = False
) -> tuple[Record, ...]:
    """The runs that are judged and shown together with one of them, oldest first.

    Args:
        lead: one of them, as a rule the newest; it is always in.
        records: oldest first.
        one_batch: the lead's invocation alone, so that two measurements of one candidate can be
            compared.

    Returns:
        Of the same candidate under the same conditions, those that `counted` leaves; what failed in
        the lead's batch under its name, too: weights that could not be had have no digest.
    """
    key = runs_key(lead)
    return counted(lead, [r for r in records if _belongs(r, lead, key, one_batch=one_batch)])


def counted(lead: Record, alike: Iterable[Record]) -> tuple[Record, ...]:
    """The newest run of each repeat that counts beside the lead, oldest first.

    A run that completed counts. One that failed counts in the lead's batch, in the place of what
    completed before it: a candidate that no longer runs is not shown by what it once did, and a
    failure of an earlier batch is over once a later one completed. One that was interrupted says
    nothing of the candidate, and counts only as the lead.
    """
    repeats: dict[int, Record] = {}
    for record in alike:
        together = record.job.batch == lead.job.batch
        if record.status == "completed" or (together and record.status == "failed"):
            repeats[record.job.repeat] = record
    repeats[lead.job.repeat] = lead
    return tuple(sorted(repeats.values(), key=lambda run: run.run_id))


def newest_of(alike: Sequence[Record]) -> Record:
    """The newest run that ended; an interrupted one only where there is no other."""
    ended = [record for record in alike if record.status != "interrupted"]
    return (ended or alike)[-1]


def _belongs(record: Record, lead: Record, key: RunsKey, *, one_batch: bool) -> bool:
    together = record.job.batch == lead.job.batch
    if one_batch and not together:
        return False
    named = record.candidate.name == lead.candidate.name
    return named and ((together and record.status == "failed") or runs_key(record) == key)
