"""Monte Carlo resampling: items by bootstrap, times and memory from the spread between runs.

Accuracy is drawn from its counts, times and memory from their run-to-run spread. All randomness
comes from the generator that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leaderboard.rows.metrics import METRICS
from leaderboard.rows.peers import Floats, Scores, side_by_side, usable
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Interval

DRAWS = 2000
"""Number of draws: the standard error of a probability of a half is then 1.1 points."""
_DECIMALS = 9
"""Equal answers must draw equal scores, and a matrix product may differ in its last bits."""
_CHUNK = 2**21
"""Item weights drawn at once: 16 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Arrays of shape (draws, rows); a column of NaN where a row lacks the number."""

    rows: tuple[Row, ...]
    """The row of each column."""
    accuracy: Floats
    numbers: Mapping[str, Floats]
    """Times and memory, by key of METRICS: what can be limited, or is an axis of the plot."""
    paired: bool
    """True where the accuracies of a draw are those of the same items for all rows."""
    runs_vary: bool
    """False: no row has several runs, so times and memory are drawn as they were measured."""

    def number(self, key: str) -> Floats:
        """The draws of a metric that varies."""
        return self.accuracy if METRICS[key].over == "items" else self.numbers[key]

    def of(self, rows: Sequence[Row]) -> Draws:
        """The columns of some of the rows, in another order.

        Raises:
            KeyError: one was not drawn.
        """
        places = {row.record.run_id: i for i, row in enumerate(self.rows)}
        columns = [places[row.record.run_id] for row in rows]
        return replace(
            self,
            rows=tuple(rows),
            accuracy=self.accuracy[:, columns],
            numbers={key: drawn[:, columns] for key, drawn in self.numbers.items()},
        )


def draw(
    rows: Sequence[Row],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    weights: Mapping[str, float] | None = None,
    answers: Mapping[str, Scores] | None = None,
) -> Draws:
    """Draw every row's accuracy, times and memory.

    Args:
        rows: shape (m,), peers of each other.
        rng: seeded by the caller.
        draws: how many.
        weights: of tasks and groups in the accuracy; 1 where not named.
        answers: item scores by run id. With those of every row, each draw weighs the items anew
            for all rows together (D. B. Rubin's Bayesian bootstrap, Annals of Statistics 9
            (1981) 130-134); else each task's share right is drawn from its posterior under
            Jeffreys' prior, Beta(right + 1/2, wrong + 1/2), for each row alone. The latter takes
            no account of items that are hard for all, and so is less sure.

    Times and memory: log-normal about the mean, with the relative spread between runs pooled over
    all rows (one machine, one way to measure) and divided by the square root of a row's own runs.
    """
    tables = side_by_side(rows, answers)
    if tables is None:
        accuracy = _from_counts(rows, rng, draws, weights)
    else:
        accuracy = _bootstrap(tables, len(rows), rng, draws, weights)
    asked = [m for m in METRICS.values() if m.over == "runs" and (m.limit or m.axis)]
    found = {one.key: _runs([_measured(row, one.key) for row in rows], rng, draws) for one in asked}
    return Draws(
        rows=tuple(rows),
        accuracy=accuracy,
        numbers={key: drawn for key, (drawn, _) in found.items()},
        paired=tables is not None,
        runs_vary=any(varies for _, varies in found.values()),
    )


def _from_counts(
    rows: Sequence[Row],
    rng: np.random.Generator,
    draws: int,
    weights: Mapping[str, float] | None,
) -> Floats:
    drawn = np.full((draws, len(rows)), np.nan)
    for i, row in enumerate(rows):
        scores = usable(row)
        given = np.array([(weights or {}).get(s.name, 1.0) for s in scores])
        if given.sum() <= 0:
            continue
        right = np.array([(s.value or 0.0) * s.n for s in scores])
        wrong = np.array([s.n for s in scores]) - right
        shares = rng.beta(right + 0.5, wrong + 0.5, size=(draws, len(scores)))
        drawn[:, i] = shares @ (given / given.sum())
    return drawn


def _bootstrap(
    tables: Mapping[str, Floats],
    m: int,
    rng: np.random.Generator,
    draws: int,
    weights: Mapping[str, float] | None,
) -> Floats:
    given = {name: (weights or {}).get(name, 1.0) for name in tables}
    total = math.fsum(given.values())
    if total <= 0:
        return np.full((draws, m), np.nan)
    drawn = np.zeros((draws, m))
    for name, table in tables.items():
        step = max(1, _CHUNK // len(table))
        for start in range(0, draws, step):
            part = rng.standard_exponential((min(step, draws - start), len(table)))
            means = (part @ table) / part.sum(axis=1, keepdims=True)
            drawn[start : start + step] += given[name] / total * means
    return np.asarray(np.round(drawn, _DECIMALS), dtype=np.float64)


Measured = tuple[float | None, Interval | None, int]
"""Mean over the runs, its 95 % interval (Student's), and how many runs."""


def _measured(row: Row, key: str) -> Measured:
    number = row.number(key)
    number = number.drawn or number
    return number.value, number.interval, row.runs


def _runs(
    measured: Sequence[Measured], rng: np.random.Generator, draws: int
) -> tuple[Floats, bool]:
    """Draws of one axis, and whether any spread was known."""
    centre = np.array([np.nan if value is None else value for value, _, _ in measured], dtype=float)
    spread = _pooled_spread(measured)
    if spread is None:
        return np.tile(centre, (draws, 1)), False
    error = spread / np.sqrt([max(1, runs) for _, _, runs in measured])
    return centre * np.exp(rng.standard_normal((draws, len(measured))) * error), True


def _pooled_spread(measured: Sequence[Measured]) -> float | None:
    """Relative standard deviation between runs, pooled by degrees of freedom."""
    from scipy.special import stdtrit

    squares = freedom = 0.0
    for value, interval, runs in measured:
        if value and interval and runs > 1:
            error = interval.half / float(stdtrit(runs - 1, 0.975))
            squares += (runs - 1) * runs * (error / value) ** 2
            freedom += runs - 1
    return math.sqrt(squares / freedom) if freedom else None
