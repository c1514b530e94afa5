"""Every scored run against the largest quantisation of its family on the same suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaderboard.compare.fidelity import Fidelity, fidelity
from leaderboard.compare.ladder import bits
from leaderboard.rows.answers import Answers
from runners.records.record import Record


def against_largest(
    records: Sequence[Record], read: Callable[[Record], Answers | None]
) -> dict[str, tuple[Record, Fidelity]]:
    """The fidelity of runs by their id, each with the run that it is held against.

    Args:
        records: oldest first; those without scores, without a family or alone in it are left out.
        read: gives a run's answers; None where its samples cannot be read.

    Returns:
        The largest is what has most bits a weight, of its runs the newest.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        about = record.candidate
        if record.job.scores and record.accuracy and about.family and bits(record) is not None:
            groups.setdefault((about.family, record.suite.digest), []).append(record)
    found: dict[str, tuple[Record, Fidelity]] = {}
    for members in groups.values():
        largest = max(members, key=lambda one: (bits(one) or 0.0, one.run_id))
        others = [one for one in members if one.candidate.digest != largest.candidate.digest]
        reference = read(largest) if others else None
        for one in others:
            other = read(one) if reference else None
            if reference and other:
                found[one.run_id] = (largest, fidelity(reference, other))
    return found
