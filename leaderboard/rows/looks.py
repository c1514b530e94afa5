"""Runs of a comparison that was given a time: how far apart two of them must lie."""

from __future__ import annotations

from leaderboard.stats.group_sequential import LEVEL, level_at
from runners.records.record import Record


def pair_level(first: Record, second: Record) -> float:
    """Level of the test of two runs, and of what lies outside the interval of their difference.

    Returns:
        5 %; where both were judged several times while they ran, and several pairs with them, what
        the look that decided leaves of it, at least `SMALLEST`: that of the one which was stopped
        earlier.
    """
    looks = (first.job.looks, second.job.looks)
    if looks[0] is None or looks[1] is None:
        return LEVEL
    return level_at(max(looks[0].critical_z, looks[1].critical_z))


def judged_together(first: Record, second: Record) -> bool:
    """True where one comparison with a given time judged both, all its pairs at once."""
    looks = (first.job.looks, second.job.looks)
    known = looks[0] is not None and looks[1] is not None
    return known and first.suite.digest == second.suite.digest
