"""Rows in order of accuracy, in groups that the items asked cannot tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from leaderboard.admission import weighted_accuracy
from leaderboard.board import Row
from leaderboard.corrections import benjamini_hochberg
from leaderboard.paired import mean_difference, paired_difference
from leaderboard.peers import Floats, Scores, check_peers, side_by_side, usable
from leaderboard.stats import Interval, normal

LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Rows that cannot be told from the first of them."""

    rank: int
    """From 1; one more than the number of rows in the tiers above."""
    rows: tuple[Row, ...]
    """Best estimate first."""
    paired: bool
    """Whether every one was compared with the first item by item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every row once."""

    tiers: tuple[Tier, ...]
    unranked: tuple[Row, ...]
    """Without a score."""


def rank(
    rows: Sequence[Row],
    *,
    level: float = LEVEL,
    weights: Mapping[str, float] | None = None,
    answers: Mapping[str, Scores] | None = None,
) -> Ranking:
    """Rank rows by accuracy, ties as groups.

    Args:
        rows: peers of each other.
        level: share of false differences that is borne among those from a tier's first row.
        weights: of tasks and groups; 1 where not named.
        answers: item scores by run id; two rows that both have them, of the same items, are
            compared item by item, others by their standard errors.

    Returns:
        From the best estimate down, a tier runs until the first row that is told from the tier's
        own best, by a z test with Benjamini-Hochberg over all rows below. "Not told apart" is
        not "equal", and the last of one tier need not be told from the first of the next.

    Raises:
        ValueError: the rows are of several machines, suites or budgets.
    """
    check_peers(rows)
    scored = [(weighted_accuracy(row, weights), row) for row in rows]
    known = [(value, row) for value, row in scored if value is not None]
    left = [row for _, row in sorted(known, key=lambda pair: -pair[0])]
    tables = side_by_side(left, answers)
    columns = {id(row): i for i, row in enumerate(left)}
    tiers: list[Tier] = []
    placed = 0
    while left:
        compared = []
        for row in left[1:]:
            both = _columns(tables, columns[id(left[0])], columns[id(row)])
            # Some rows may have no answers; two that have them are paired all the same.
            both = both or side_by_side([left[0], row], answers)
            compared.append(_compare(left[0], row, both, weights))
        adjusted = benjamini_hochberg([p for p, _ in compared])
        told = [i for i, p in enumerate(adjusted) if p <= level]
        size = 1 + (told[0] if told else len(adjusted))
        paired = all(by_item for _, by_item in compared[: size - 1])
        tiers.append(Tier(rank=placed + 1, rows=tuple(left[:size]), paired=paired))
        placed += size
        left = left[size:]
    return Ranking(tiers=tuple(tiers), unranked=tuple(row for v, row in scored if v is None))


def weighted_stderr(row: Row, weights: Mapping[str, float] | None) -> float | None:
    """Of the weighted mean of independent tasks; None where a task lacks its own."""
    scores = usable(row)
    given = [_weight(score.name, weights) for score in scores]
    errors = [score.stderr for score in scores if score.stderr is not None]
    if len(errors) < len(scores) or sum(given) <= 0:
        return None
    weighed = (w * error for w, error in zip(given, errors, strict=True))
    return math.hypot(*weighed) / math.fsum(given)


def weighted_interval(row: Row, weights: Mapping[str, float] | None) -> Interval | None:
    """Of `weighted_accuracy`, 95 %: the board's own without weights, else the normal one."""
    if weights is None:
        return row.score.interval if row.score else None
    value, stderr = weighted_accuracy(row, weights), weighted_stderr(row, weights)
    if value is None or stderr is None:
        return None
    wide = normal(value, stderr)
    return Interval(low=max(0.0, wide.low), high=min(1.0, wide.high))


def _columns(tables: dict[str, Floats] | None, first: int, second: int) -> dict[str, Floats] | None:
    return tables and {name: table[:, [first, second]] for name, table in tables.items()}


def _compare(
    leader: Row, row: Row, tables: Mapping[str, Floats] | None, weights: Mapping[str, float] | None
) -> tuple[float, bool]:
    """The p value of no difference of two scores, and whether their items were paired."""
    if tables:
        tasks = [paired_difference(table[:, 0], table[:, 1]) for table in tables.values()]
        given = [_weight(name, weights) for name in tables]
        if sum(given) > 0:
            found = mean_difference(tasks, weights=given)
            return _p(found.difference, found.stderr), True
    values = [weighted_accuracy(one, weights) or 0.0 for one in (leader, row)]
    errors = [weighted_stderr(one, weights) for one in (leader, row)]
    known = [error for error in errors if error is not None]
    return _p(values[0] - values[1], math.hypot(*known) if len(known) == 2 else None), False


def _weight(name: str, weights: Mapping[str, float] | None) -> float:
    return 1.0 if weights is None else weights.get(name, 1.0)


def _p(difference: float, stderr: float | None) -> float:
    if difference == 0 or stderr is None:
        return 1.0  # nothing is known that would tell them apart
    return 2 * NormalDist().cdf(-abs(difference) / stderr) if stderr > 0 else 0.0
