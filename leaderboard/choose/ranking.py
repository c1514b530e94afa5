"""Rows in order of accuracy, in groups between which the items asked show no difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.choose.paired_items import paired_items
from leaderboard.choose.resampling import Peers
from leaderboard.rows.looks import judged_together, pair_level
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Interval
from leaderboard.stats.item_resampling import Items
from leaderboard.stats.paired_means import (
    PairedDifference,
    differs,
    mean_difference,
    paired_difference,
)
from leaderboard.stats.simultaneous import LEVEL, critical_z
from leaderboard.stats.weighted_mean import weighted_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Rows without a significant difference from the first of them."""

    rank: int
    """Rank from 1; one more than the number of rows in the tiers above."""
    rows: tuple[Row, ...]
    """Best estimate first."""
    paired: bool
    """True where every one was compared with the first item by item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every row once."""

    tiers: tuple[Tier, ...]
    unranked: tuple[Row, ...]
    """Rows without a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Two rows' difference in accuracy, the second minus the first."""

    difference: float
    interval: Interval
    """95 %; in a comparison with a given time as much wider as its looks ask for."""
    paired: bool
    """True where the two were compared item by item."""
    told: bool
    """True where the difference is significant (`differs`)."""
    detectable: float | None = None
    """Smallest true difference that such items show with 80 % probability."""


def rank(peers: Peers, *, level: float = LEVEL) -> Ranking:
    """Rank rows by accuracy, ties as groups.

    Args:
        peers: rows that are judged together.
        level: chance that any two equal rows are told apart.

    Returns:
        From the best estimate down, a tier runs until the first row that differs significantly
        from the tier's own best: by Compare's own test at 5 % and, where there are more than two
        rows, by more standard errors than the largest difference of so many equal ones has
        (`critical_z`). So two rows are told apart as Compare tells them, and of more whatever is
        told apart here is told apart in Compare, too. "No significant difference" is not "equal",
        and the last of one tier need not differ from the first of the next.
    """
    scored = peers.scored()
    beyond = _beyond(scored, level)
    left = sorted(scored.rows, key=lambda row: -(peers.accuracy(row) or 0.0))
    difference = compare_pairs(scored)
    tiers: list[Tier] = []
    placed = 0
    while left:
        size, paired = 1, True
        for other in left[1:]:
            found = difference(left[0], other)
            if found is not None and found.told and beyond(left[0], other):
                break
            size, paired = size + 1, paired and found is not None and found.paired
        tiers.append(Tier(rank=placed + 1, rows=tuple(left[:size]), paired=paired))
        placed, left = placed + size, left[size:]
    unranked = tuple(row for row in peers.rows if peers.accuracy(row) is None)
    return Ranking(tiers=tuple(tiers), unranked=unranked)


def _beyond(peers: Peers, level: float) -> Callable[[Row, Row], bool]:
    """True where two rows lie further apart than any two of so many equal ones would."""
    draws = peers.draws
    z = critical_z(draws.accuracy, level)
    columns = {row.record.run_id: i for i, row in enumerate(peers.rows)}

    def beyond(first: Row, second: Row) -> bool:
        if judged_together(first.record, second.record):
            return True  # the level at which they are compared is that of all pairs
        a, b = (columns[row.record.run_id] for row in (first, second))
        spread = float((draws.accuracy[:, a] - draws.accuracy[:, b]).std())
        return len(columns) < 3 or abs(draws.estimate[a] - draws.estimate[b]) > z * spread

    return beyond


def compare_pairs(peers: Peers) -> Callable[[Row, Row], Apart | None]:
    """A function that compares two of the rows, item by item where both have answers.

    Args:
        peers: the rows.

    Returns:
        It gives None where a row has no accuracy.
    """
    every = paired_items(peers.rows, peers.answers, peers.clusters, peers.weights)
    columns = {row.record.run_id: i for i, row in enumerate(peers.rows)}

    def compare(first: Row, second: Row) -> Apart | None:
        both = (first, second)
        level = pair_level(first.record, second.record)
        if every is not None:
            a, b = (columns[row.record.run_id] for row in both)
            return _paired(difference_over(every.sets, every.shares, (a, b), level), level)
        # Some rows may have no answers; two that have them are paired all the same.
        two = paired_items(both, peers.answers, peers.clusters, peers.weights)
        if two is not None:
            return _paired(difference_over(two.sets, two.shares, (0, 1), level), level)
        return _unpaired(first, second, peers.weights)

    return compare


def difference_over(
    sets: Sequence[Items],
    shares: Sequence[float],
    columns: tuple[int, int],
    level: float = LEVEL,
) -> PairedDifference:
    """The second column's mean score minus the first's, as Compare has it.

    Args:
        sets: of the tasks' items.
        shares: what each counts in the mean.
        columns: which two; the items that both were asked count, and sets that have such.
        level: what lies outside the interval.
    """
    tasks: list[PairedDifference] = []
    weights: list[float] = []
    for one, share in zip(sets, shares, strict=True):
        pair = one.scores[:, list(columns)]
        both = ~np.isnan(pair).any(axis=1)
        if share <= 0 or not both.any():
            continue
        weights.append(share)
        tasks.append(
            paired_difference(
                pair[both, 0],
                pair[both, 1],
                clusters=one.groups[both].tolist(),
                confidence=1 - level,
            )
        )
    return mean_difference(tasks, weights=weights, confidence=1 - level)


def _paired(found: PairedDifference, level: float) -> Apart:
    told, low, high = differs(found, level), found.interval.low, found.interval.high
    # Of few flips the score interval may leave out a 0 that the exact test does not reject.
    kept = found.interval if told else Interval(low=min(low, 0.0), high=max(high, 0.0))
    return Apart(
        difference=found.difference,
        interval=kept,
        paired=True,
        told=told,
        detectable=found.detectable,
    )


def _unpaired(first: Row, second: Row, weights: Mapping[str, float] | None) -> Apart | None:
    """Two scores whose errors are independent: their limits' distances add as squares.

    Source: method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890.
    """
    sides = (_limits(first, weights), _limits(second, weights))
    if sides[0] is None or sides[1] is None:
        return None
    (a, of_a), (b, of_b) = sides[0], sides[1]
    below = math.hypot(b - of_b.low, of_a.high - a)
    above = math.hypot(of_b.high - b, a - of_a.low)
    interval = Interval(low=b - a - below, high=b - a + above)
    return Apart(
        difference=b - a,
        interval=interval,
        paired=False,
        told=not interval.low <= 0 <= interval.high,
    )


def weighted_interval(row: Row, weights: Mapping[str, float] | None) -> Interval | None:
    """The 95 % interval of the weighted accuracy; without weights, the board's own."""
    if weights is None:
        return row.score.interval if row.score else None
    found = _limits(row, weights)
    return found[1].within(0.0, 1.0) if found else None


def _limits(row: Row, weights: Mapping[str, float] | None) -> tuple[float, Interval] | None:
    """A row's weighted accuracy and its 95 % interval; None where every weight is 0."""
    scores = usable(row)
    given = [1.0 if weights is None else weights.get(score.name, 1.0) for score in scores]
    unknown = Interval(low=0.0, high=1.0)
    return weighted_mean([(s.value or 0.0, s.interval or unknown) for s in scores], given)
