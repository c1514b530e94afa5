"""Rows in order of accuracy, in groups that the items asked cannot tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from leaderboard.choose.limits import weighted_accuracy
from leaderboard.rows.peers import Floats, Scores, check_peers, side_by_side, usable
from leaderboard.rows.row import Row
from leaderboard.stats.corrections import benjamini_hochberg
from leaderboard.stats.intervals import Interval, normal
from leaderboard.stats.paired_means import mean_difference, paired_difference

LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Rows that cannot be told from the first of them."""

    rank: int
    """From 1; one more than the number of rows in the tiers above."""
    rows: tuple[Row, ...]
    """Best estimate first."""
    paired: bool
    """True where every one was compared with the first item by item."""


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
    scored = [
        _Scored(row=row, value=value, stderr=weighted_stderr(row, weights))
        for row in rows
        if (value := weighted_accuracy(row, weights)) is not None
    ]
    left = sorted(scored, key=lambda one: -one.value)
    pairs = _Pairs([one.row for one in left], answers)
    tiers: list[Tier] = []
    placed = 0
    while left:
        compared = [_compare(left[0], one, pairs, weights) for one in left[1:]]
        adjusted = benjamini_hochberg([p for p, _ in compared])
        told = [i for i, p in enumerate(adjusted) if p <= level]
        size = 1 + (told[0] if told else len(adjusted))
        paired = all(by_item for _, by_item in compared[: size - 1])
        tied = tuple(one.row for one in left[:size])
        tiers.append(Tier(rank=placed + 1, rows=tied, paired=paired))
        placed += size
        left = left[size:]
    unranked = tuple(row for row in rows if weighted_accuracy(row, weights) is None)
    return Ranking(tiers=tuple(tiers), unranked=unranked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    row: Row
    value: float
    stderr: float | None


class _Pairs:
    """Two rows' items side by side, where there are answers to the same items."""

    def __init__(self, rows: Sequence[Row], answers: Mapping[str, Scores] | None) -> None:
        self._answers = answers
        self._tables = side_by_side(rows, answers)
        self._columns = {id(row): i for i, row in enumerate(rows)}

    def of(self, first: Row, second: Row) -> dict[str, Floats] | None:
        """By task, shape (items, 2); None where they cannot be paired."""
        if not self._answers:
            return None
        if self._tables is None:
            # Some rows may have no answers; two that have them are paired all the same.
            return side_by_side([first, second], self._answers)
        both = [self._columns[id(row)] for row in (first, second)]
        return {name: table[:, both] for name, table in self._tables.items()}


def weighted_stderr(row: Row, weights: Mapping[str, float] | None) -> float | None:
    """Standard error of the weighted mean of independent tasks; None where a task lacks its own."""
    scores = usable(row)
    given = [_weight(score.name, weights) for score in scores]
    errors = [score.stderr for score in scores if score.stderr is not None]
    if len(errors) < len(scores) or sum(given) <= 0:
        return None
    weighed = (w * error for w, error in zip(given, errors, strict=True))
    return math.hypot(*weighed) / math.fsum(given)


def weighted_interval(row: Row, weights: Mapping[str, float] | None) -> Interval | None:
    """95 % interval of `weighted_accuracy`: without weights the board's, else the normal one."""
    if weights is None:
        return row.score.interval if row.score else None
    value, stderr = weighted_accuracy(row, weights), weighted_stderr(row, weights)
    if value is None or stderr is None:
        return None
    return normal(value, stderr).within(0.0, 1.0)


def _compare(
    leader: _Scored, other: _Scored, pairs: _Pairs, weights: Mapping[str, float] | None
) -> tuple[float, bool]:
    """The p value of no difference of two scores, and whether their items were paired."""
    tables = pairs.of(leader.row, other.row)
    if tables:
        tasks = [paired_difference(table[:, 0], table[:, 1]) for table in tables.values()]
        given = [_weight(name, weights) for name in tables]
        if sum(given) > 0:
            found = mean_difference(tasks, weights=given)
            return _p(found.difference, found.stderr), True
    if leader.stderr is None or other.stderr is None:
        return 1.0, False
    return _p(leader.value - other.value, math.hypot(leader.stderr, other.stderr)), False


def _weight(name: str, weights: Mapping[str, float] | None) -> float:
    return 1.0 if weights is None else weights.get(name, 1.0)


def _p(difference: float, stderr: float | None) -> float:
    if difference == 0 or stderr is None:
        return 1.0  # nothing is known that would tell them apart
    return 2 * NormalDist().cdf(-abs(difference) / stderr) if stderr > 0 else 0.0
