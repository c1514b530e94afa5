"""Rows that are judged together, and what other items and other runs might have shown of them.

Accuracy is drawn from the items, times and memory from their run-to-run spread. All randomness
comes from a fixed seed: one view gives the same figures wherever and whenever it is opened.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from leaderboard.choose.limits import weighted_accuracy
from leaderboard.choose.paired_items import Paired, paired_items
from leaderboard.rows.answers import ItemKey
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.peers import Scores, check_peers, usable
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.stats.intervals import Interval
from leaderboard.stats.item_resampling import (
    Floats,
    item_means,
    resample_items,
    resample_tasks,
)

DRAWS = 2000
"""Draws: a probability of a half keeps an error of 1.1 points."""
SEED = 20260101
MOST_SPREAD = 10.0
"""Largest spread of logarithms between runs: of two runs alone nearly any may be drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Arrays of shape (draws, rows); a column of NaN where a row has no number."""

    accuracy: Floats
    estimate: Floats
    """Shape (rows,): what the accuracies are drawn about."""
    parts: Mapping[str, Floats]
    """Accuracy in the tasks and groups that were asked for, in the same draws."""
    numbers: Mapping[str, Floats]
    """Times and memory, the mean over runs, by key of METRICS: what can be limited, or is an axis
    of the plot."""
    run_numbers: Mapping[str, Floats]
    """Times and memory of one more run, as it is deployed."""
    paired: bool
    """True where the accuracies of a draw are of the same items for all rows."""
    runs_vary: bool
    """False: no row has several runs, so times and memory are drawn as they were measured."""

    def of(self, columns: Sequence[int]) -> Draws:
        """Some of the rows, in another order."""
        chosen = list(columns)
        return replace(
            self,
            accuracy=self.accuracy[:, chosen],
            estimate=self.estimate[chosen],
            parts={name: drawn[:, chosen] for name, drawn in self.parts.items()},
            numbers={key: drawn[:, chosen] for key, drawn in self.numbers.items()},
            run_numbers={key: drawn[:, chosen] for key, drawn in self.run_numbers.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Rows of one machine, suite and budget, with what is needed to judge them."""

    rows: tuple[Row, ...]
    weights: Mapping[str, float] | None
    """Weights of tasks and groups, 1 where not named; None: the board's own score."""
    answers: Mapping[str, Scores]
    """Item scores by run id."""
    clusters: Mapping[ItemKey, Hashable]
    """Cluster of each item, e.g. its passage."""
    draws: Draws = field(repr=False)

    def of(self, rows: Sequence[Row]) -> Peers:
        """Some of the rows, in another order, with what was drawn of them.

        Raises:
            KeyError: one is not among them.
        """
        places = {row.record.run_id: i for i, row in enumerate(self.rows)}
        columns = [places[row.record.run_id] for row in rows]
        if columns == list(range(len(self.rows))):
            return self  # of thousands of candidates, a copy of the draws takes a third of a second
        return replace(self, rows=tuple(rows), draws=self.draws.of(columns))

    def accuracy(self, row: Row) -> float | None:
        """A row's score with the tasks weighted.

        In a comparison with a given time it is taken as if the row had been asked all the items of
        those that stayed.
        """
        if row.record.job.looks is not None and self.draws.paired:
            place = next(i for i, one in enumerate(self.rows) if one is row)
            return float(self.draws.estimate[place])
        return weighted_accuracy(row, self.weights)

    def scored(self) -> Peers:
        """The peers that have an accuracy."""
        return self.of([row for row in self.rows if self.accuracy(row) is not None])


def gather(
    rows: Sequence[Row],
    *,
    weights: Mapping[str, float] | None = None,
    answers: Mapping[str, Scores] | None = None,
    clusters: Mapping[ItemKey, Hashable] | None = None,
    parts: Collection[str] = (),
    draws: int = DRAWS,
    seed: int = SEED,
) -> Peers:
    """Check that rows may be judged together, and draw all of them.

    Args:
        rows: shape (m,).
        weights: of tasks and groups in the accuracy; 1 where not named.
        answers: item scores by run id. With those of every row that has an accuracy, each draw
            weighs the items anew for all rows together (`resample_items`); else each task's share
            right is drawn from its posterior under Jeffreys' prior, Beta(right + 1/2,
            wrong + 1/2), for each row alone, which knows nothing of items that are hard for all.
        clusters: what an item shares with others, e.g. its passage.
        parts: tasks and groups whose own accuracies are kept, for limits on them.
        draws: how many.
        seed: of the random numbers.

    Returns:
        Times and memory are log-normal about the mean of the runs, with their relative spread,
        pooled over all rows (one machine, one way to measure) and known as well as its degrees of
        freedom allow: a scaled inverse chi-squared draw of it. One more run adds that spread to
        the mean's.

    Raises:
        ValueError: the rows are of several machines, suites or budgets.
    """
    check_peers(rows)
    rng = np.random.default_rng(seed)
    known = [i for i, row in enumerate(rows) if weighted_accuracy(row, weights) is not None]
    paired = paired_items([rows[i] for i in known], answers, clusters, weights)
    accuracy, estimate = _accuracy(rows, known, paired, rng, draws, weights)
    asked = [m for m in METRICS.values() if m.over == "runs" and (m.limit or m.axis)]
    axes = {one.key: _runs([_measured(row, one.key) for row in rows], rng, draws) for one in asked}
    drawn = Draws(
        accuracy=accuracy,
        estimate=estimate,
        parts=_parts(parts, rows, known, paired, np.random.default_rng(seed), draws),
        numbers={key: one.mean for key, one in axes.items()},
        run_numbers={key: one.run for key, one in axes.items()},
        paired=paired is not None,
        runs_vary=any(one.varied for one in axes.values()),
    )
    return Peers(
        rows=tuple(rows),
        weights=weights,
        answers=answers or {},
        clusters=clusters or {},
        draws=drawn,
    )


def _accuracy(
    rows: Sequence[Row],
    known: Sequence[int],
    paired: Paired | None,
    rng: np.random.Generator,
    draws: int,
    weights: Mapping[str, float] | None,
) -> tuple[Floats, Floats]:
    """Draws, and what they are drawn about; NaN of rows that are not `known`."""
    scores = [weighted_accuracy(row, weights) for row in rows]
    estimate = np.array([np.nan if value is None else value for value in scores], dtype=float)
    drawn = np.full((draws, len(rows)), np.nan)
    if paired is not None:
        drawn[:, known] = resample_items(paired.sets, paired.shares, rng, draws)
        estimate[known] = item_means(paired.sets, paired.shares)
        return drawn, estimate
    for i in known:
        drawn[:, i] = _from_counts(rows[i], rng, draws, weights)
    return drawn, estimate


def _from_counts(
    row: Row, rng: np.random.Generator, draws: int, weights: Mapping[str, float] | None
) -> Floats:
    scores = usable(row)
    given = np.array([(weights or {}).get(s.name, 1.0) for s in scores])
    return np.asarray(_shares_right(scores, rng, draws) @ (given / given.sum()), dtype=np.float64)


def _parts(
    wanted: Collection[str],
    rows: Sequence[Row],
    known: Sequence[int],
    paired: Paired | None,
    rng: np.random.Generator,
    draws: int,
) -> dict[str, Floats]:
    """Draws of some tasks and groups: of those that make up the draws of `_accuracy`."""
    if not wanted:
        return {}
    names = dict.fromkeys(score.name for i in known for score in usable(rows[i]))
    found = {name: np.full((draws, len(rows)), np.nan) for name in names}
    if paired is None:
        for i in known:
            scores = usable(rows[i])
            drawn = _shares_right(scores, rng, draws)
            for score, column in zip(scores, drawn.T, strict=True):
                found[score.name][:, i] = column
    else:
        drawn_sets = resample_tasks(paired.sets, paired.shares, rng, draws)
        for name in dict.fromkeys(paired.names):
            own = [one for one, of in zip(drawn_sets, paired.names, strict=True) if of == name]
            found[name][:, known] = np.mean(own, axis=0)
    return {name: found[name] for name in wanted if name in found}


def _shares_right(scores: Sequence[Score], rng: np.random.Generator, draws: int) -> Floats:
    """Shares right of each score, shape (draws, scores), from their posteriors."""
    right = np.array([(s.value or 0.0) * s.n for s in scores])
    wrong = np.array([s.n for s in scores]) - right
    return rng.beta(right + 0.5, wrong + 0.5, size=(draws, len(scores)))


Measured = tuple[float | None, Interval | None, int]
"""Mean over the runs, its 95 % interval (Student's), and how many runs."""


def _measured(row: Row, key: str) -> Measured:
    number = row.number(key)
    number = number.drawn or number
    return number.value, number.interval, row.runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """One axis, shape (draws, rows)."""

    mean: Floats
    run: Floats
    varied: bool
    """True where any spread was known."""


def _runs(measured: Sequence[Measured], rng: np.random.Generator, draws: int) -> _Axis:
    centre = np.array([np.nan if value is None else value for value, _, _ in measured], dtype=float)
    spread, freedom = _pooled_spread(measured)
    if spread is None:
        same = np.tile(centre, (draws, 1))
        return _Axis(mean=same, run=same, varied=False)
    sigma = spread * np.sqrt(freedom / rng.chisquare(freedom, size=(draws, 1)))
    sigma = np.minimum(sigma, MOST_SPREAD)
    runs = np.array([max(1, runs) for _, _, runs in measured])
    mean = centre * np.exp(rng.standard_normal((draws, len(runs))) * sigma / np.sqrt(runs))
    run = mean * np.exp(rng.standard_normal((draws, len(runs))) * sigma)
    return _Axis(mean=mean, run=run, varied=True)


def _pooled_spread(measured: Sequence[Measured]) -> tuple[float | None, float]:
    """Relative standard deviation between runs, pooled by degrees of freedom, and these."""
    from scipy.special import stdtrit

    squares = freedom = 0.0
    for value, interval, runs in measured:
        if value and interval and runs > 1:
            error = interval.half / float(stdtrit(runs - 1, 0.975))
            squares += (runs - 1) * runs * (error / value) ** 2
            freedom += runs - 1
    return (math.sqrt(squares / freedom), freedom) if freedom else (None, 0.0)
