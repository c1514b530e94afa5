"""Expected scores of random guessing on the tasks of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.stats.guessing import level


def guessing_level(row: Row, weights: Mapping[str, float] | None = None) -> float | None:
    """The accuracy that guessing would have, 0 to 1; None where no task has choices.

    Args:
        row: a candidate.
        weights: of tasks and groups in the accuracy; 1 where not named.
    """
    parts = [part for score in usable(row) if (part := score.part)]
    return level(parts, [(weights or {}).get(part.name, 1.0) for part in parts])


def shared_level(rows: Sequence[Row], weights: Mapping[str, float] | None = None) -> float | None:
    """The level of rows of one suite, which is the same for each that was scored."""
    levels = (guessing_level(row, weights) for row in rows)
    return next((one for one in levels if one is not None), None)
