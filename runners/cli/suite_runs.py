"""Runs of one candidate on one of the suites that it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.errors import RecordError
from leaderboard.rows.repeats import newest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.records.record import Record


def on_suite(records: Sequence[Record], candidate: str, suite: str) -> Record:
    """The newest run of a candidate on a suite.

    Raises:
        RecordError: there is none.
    """
    named = [one for one in records if one.candidate.name == candidate]
    found = [one for one in named if one.suite.name == suite]
    if not found:
        asked = ", ".join(dict.fromkeys(one.suite.name for one in named)) or "none"
        raise RecordError(f'no run of "{candidate}" on suite "{suite}" (its suites: {asked})')
    return newest_of(found)


def other_suites(records: Sequence[Record], shown: Record) -> list[str]:
    """A line for each suite that the candidate of a run was asked besides."""
    name = shown.candidate.name
    others = {one.suite.name for one in records if one.candidate.name == name}
    return [
        f"also measured on {suite}: weighin show {name} --suite {suite}"
        for suite in sorted(others - {shown.suite.name})
    ]
