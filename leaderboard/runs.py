"""Records that belong together: the runs of one candidate under one set of conditions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from runners.record import Record


class RunsKey(NamedTuple):
    """What runs of one candidate share: what it is, what it was asked, where, and how much room."""

    name: str
    digest: str
    suite: str
    """Digest."""
    machine: str
    """Fingerprint."""
    budget: str
    """As text; empty without one."""


def runs_key(record: Record) -> RunsKey:
    """What a record has in common with its repeats."""
    return RunsKey(
        name=record.candidate.name,
        digest=record.candidate.digest,
        suite=record.suite.digest,
        machine=str(record.machine.get("fingerprint")),
        budget="" if record.budget is None else json.dumps(record.budget, sort_keys=True),
    )


def runs_of(record: Record, records: Sequence[Record]) -> tuple[Record, ...]:
    """A run and its repeats: the newest of each repeat, as on the board, oldest first.

    Args:
        record: one of them.
        records: oldest first.

    An interruption says nothing of a candidate and does not hide a run that completed; a failure
    says much and does. `record` itself is always among them, so that a link to an old run shows it.
    """
    key = runs_key(record)
    repeats: dict[int, Record] = {}
    for one in records:
        if runs_key(one) == key:
            earlier = repeats.get(one.job.repeat)
            hides = one.status != "interrupted" or earlier is None or earlier.status != "completed"
            if hides:
                repeats[one.job.repeat] = one
    repeats[record.job.repeat] = record
    return tuple(sorted(repeats.values(), key=lambda run: run.run_id))
