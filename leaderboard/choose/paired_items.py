"""Rows' answers side by side, and what each set of items counts in the accuracy."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from leaderboard.rows.answers import ItemKey
from leaderboard.rows.peers import Scores, side_by_side
from leaderboard.rows.row import Row
from leaderboard.stats.item_resampling import Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Items that several rows answered, side by side."""

    sets: list[Items]
    """Shape (k,)."""
    shares: list[float]
    """What each set counts in the mean; they add up to 1."""
    names: list[str]
    """Task or group that each set belongs to."""


def paired_items(
    rows: Sequence[Row],
    answers: Mapping[str, Scores] | None,
    clusters: Mapping[ItemKey, Hashable] | None,
    weights: Mapping[str, float] | None,
) -> Paired | None:
    """Lay the rows' items side by side; None where they cannot be paired, or every weight is 0."""
    tables = side_by_side(rows, answers, clusters)
    given = {name: (weights or {}).get(name, 1.0) for name in tables or ()}
    total = math.fsum(given.values())
    if tables is None or total <= 0:
        return None
    return Paired(
        sets=[one for parts in tables.values() for one in parts],
        shares=[given[name] / total / len(parts) for name, parts in tables.items() for _ in parts],
        names=[name for name, parts in tables.items() for _ in parts],
    )
