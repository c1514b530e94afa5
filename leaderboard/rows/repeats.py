"""Records that belong together: the runs of one candidate under one set of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leaderboard.rows.conditions import Conditions, conditions
from runners.records.record import Record


class RunsKey(NamedTuple):
    """What runs of one candidate share: what it is, and the conditions."""

    name: str
    digest: str
    conditions: Conditions


def runs_key(record: Record) -> RunsKey:
    """What a record has in common with its repeats."""
    return RunsKey(
        name=record.candidate.name,
        digest=record.candidate.digest,
        conditions=conditions(record),
    )


def keep_newest(repeats: dict[int, Record], record: Record) -> None:
    """Add a run to those of its kind, by repeat, in the place of an older one.

    An interruption says nothing of a candidate and does not hide a run that completed; a failure
    says much and does.
    """
    earlier = repeats.get(record.job.repeat)
    if record.status != "interrupted" or earlier is None or earlier.status != "completed":
        repeats[record.job.repeat] = record


def runs_of(record: Record, records: Sequence[Record]) -> tuple[Record, ...]:
    """A run and its repeats: the newest of each repeat, as on the board, oldest first.

    Args:
        record: one of them.
        records: oldest first.

    `record` itself is always among them, so that a link to an old run shows it.
    """
    key = runs_key(record)
    repeats: dict[int, Record] = {}
    for one in records:
        if runs_key(one) == key:
            keep_newest(repeats, one)
    repeats[record.job.repeat] = record
    return tuple(sorted(repeats.values(), key=lambda run: run.run_id))
