"""What guessing would score: without it 34.7 % says little, since four choices give 25 %."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leaderboard.rows.guessing import guessing_level
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessing:
    """A suite's level of guessing, beside one candidate."""

    level: float
    """Mean over tasks and groups, as the accuracy; 0 for a task without choices."""
    at_chance: int
    """Tasks and groups that are not told from guessing."""
    tasks: int
    """All that count."""


def guessing(row: Row, weights: Mapping[str, float] | None = None) -> Guessing | None:
    """Mean score of random guessing on the tasks of a row; None where it has no choices at all.

    Args:
        row: a candidate.
        weights: of tasks and groups in the accuracy; 1 where not named.
    """
    level = guessing_level(row, weights)
    if level is None:
        return None
    scores = [one for one in usable(row) if (weights or {}).get(one.name, 1.0) > 0]
    return Guessing(
        level=level,
        at_chance=sum(score.told_from_chance is False for score in scores),
        tasks=len(scores),
    )
