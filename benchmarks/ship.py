"""Is what "Which one do I ship" says of itself true? Certainty, shortfall and ties, on known truth.

Boards of candidates are made whose true accuracies are known: normal about a common mean with a
given spread, and answers to the same items that differ between two equal candidates in 8 % of items
(the mean over pairs of the reference run's rungs). Each is judged by the code that the board runs.

    python benchmarks/ship.py [--quick] [--json] [--candidates 6,30] [--suites quick,core]

A cell of 2,000 boards takes half a minute to four minutes of one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from leaderboard.choose.ranking import difference_over
from leaderboard.stats.item_resampling import Items, item_means, resample_items
from leaderboard.stats.shrinkage import shrink_draws
from leaderboard.stats.simultaneous import LEVEL, critical_z
from leaderboard.units import MISSING

Array = npt.NDArray[np.float64]
SUITES = {"quick": (8, 40), "core": (11, 200)}
"""Tasks, and items of each."""
FLIPS = 0.08
DRAWS = 400
BASE = (0.25, 0.65)
"""The easiest and the hardest task's accuracy; the others lie evenly between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What was shown and what was true, over the boards of one kind."""

    candidates: int
    suite: str
    spread_points: float
    boards: int
    certainty: float
    """Mean probability of the most accurate of being the best."""
    right: float
    """Share of boards in which it is."""
    shown: float
    """Share of boards that show it: those whose leader ties with nobody."""
    shown_certainty: float | None
    shown_right: float | None
    shortfall: float
    """Points that the one to ship is expected to lie below the best: mean of what is shown."""
    real_shortfall: float
    too_high: float
    """Points by which the most accurate's score lies above its true accuracy."""
    too_high_shrunk: float
    told: float
    """Share of boards that tell any candidate from the leader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board as it is judged; accuracies are shares."""

    certainty: float
    right: bool
    alone: bool
    shortfall: float
    real_shortfall: float
    too_high: float
    too_high_shrunk: float
    told: bool


def main() -> None:
    """Simulate every cell and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 boards a cell")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--candidates", default="6,30")
    parser.add_argument("--suites", default="quick,core")
    parser.add_argument("--spreads", default="0,0.3,1,2", help="points; 0: all equal")
    asked = parser.parse_args()
    boards = 100 if asked.quick else 2000
    check_against_the_board(np.random.default_rng(1))
    found = [
        simulate(m, suite, points / 100, boards)
        for m in map(int, asked.candidates.split(","))
        for suite in asked.suites.split(",")
        for points in map(float, asked.spreads.split(","))
    ]
    if asked.json:
        print(json.dumps([dataclasses.asdict(cell) for cell in found]))
    else:
        print("\n".join(table(found)))


def simulate(m: int, suite: str, spread: float, boards: int) -> Cell:
    """Judge boards of one kind.

    Args:
        m: candidates.
        suite: a key of SUITES.
        spread: standard deviation of the true accuracies; 0: all are equal.
        boards: how many.
    """
    rng = np.random.default_rng([m, len(suite), round(1e4 * spread)])
    judged = [judge(*make(m, suite, spread, rng), rng) for _ in range(boards)]
    alone = [one for one in judged if one.alone]
    mean = {
        name: float(np.mean([getattr(one, name) for one in judged]))
        for name in ("certainty", "right", "alone", "shortfall", "real_shortfall", "too_high",
                     "too_high_shrunk", "told")
    }  # fmt: skip
    return Cell(
        candidates=m,
        suite=suite,
        spread_points=100 * spread,
        boards=boards,
        certainty=mean["certainty"],
        right=mean["right"],
        shown=mean["alone"],
        shown_certainty=float(np.mean([one.certainty for one in alone])) if alone else None,
        shown_right=float(np.mean([one.right for one in alone])) if alone else None,
        shortfall=100 * mean["shortfall"],
        real_shortfall=100 * mean["real_shortfall"],
        too_high=100 * mean["too_high"],
        too_high_shrunk=100 * mean["too_high_shrunk"],
        told=mean["told"],
    )


def make(m: int, suite: str, spread: float, rng: np.random.Generator) -> tuple[list[Items], Array]:
    """One board's items, and the candidates' true accuracies, shape (m,).

    An answer is right where the item's own normal variate and one of candidate and item together
    exceed the candidate's threshold; their correlation makes two equal candidates differ in FLIPS
    of the items of a task of 50 % (the orthant probability of a bivariate normal).
    """
    tasks, items = SUITES[suite]
    shared = math.cos(math.pi * FLIPS)
    better = spread * rng.standard_normal(m)
    made = []
    for base in np.linspace(*BASE, tasks):
        threshold = ndtri(np.clip(base + better, 0.01, 0.99))
        common = math.sqrt(shared) * rng.standard_normal((items, 1))
        own = math.sqrt(1 - shared) * rng.standard_normal((items, m))
        right = (common + own < threshold).astype(np.float64)
        made.append(Items(scores=right, groups=np.arange(items)))
    return made, better


def judge(tasks: list[Items], true: Array, rng: np.random.Generator) -> Board:
    """Judge one board as the product does."""
    shares = [1 / len(tasks)] * len(tasks)
    estimates = item_means(tasks, shares)
    draws = resample_items(tasks, shares, rng, DRAWS)
    z = critical_z(draws)
    shrunk = shrink_draws(draws, estimates, rng, z)
    order = np.argsort(-estimates, kind="stable")
    best = int(order[0])
    spread = (draws - draws[:, [best]]).std(axis=0)
    beyond = estimates[best] - estimates > z * spread
    tied = tier(order, beyond & (flip_tests(tasks, shares, best) <= LEVEL))
    shipped = min(tied)  # what a candidate costs has nothing to do with its accuracy here
    top = shrunk.max(axis=1)
    winners = shrunk == top[:, None]
    return Board(
        certainty=float((winners[:, best] / winners.sum(axis=1)).mean()),
        right=bool(true[best] == true.max()),
        alone=len(tied) == 1,
        shortfall=float((top - shrunk[:, shipped]).mean()),
        real_shortfall=float(true.max() - true[shipped]),
        too_high=float(estimates[best] - true[best] - np.mean(np.linspace(*BASE, len(tasks)))),
        too_high_shrunk=float(
            shrunk[:, best].mean() - true[best] - np.mean(np.linspace(*BASE, len(tasks)))
        ),
        told=len(tied) < len(true),
    )


def tier(order: npt.NDArray[np.intp], told: npt.NDArray[np.bool_]) -> list[int]:
    """The leader and those below it, down to the first that is told from it, as `rank` has it."""
    below = told[order[1:]]
    size = 1 + (int(below.argmax()) if below.any() else len(below))
    return [int(one) for one in order[:size]]


def flip_tests(tasks: list[Items], shares: list[float], leader: int) -> Array:
    """The p values of all candidates against one at once, shape (m,): `PairedDifference.p`."""
    apart, variance, step = 0.0, 0.0, np.inf
    for task, share in zip(tasks, shares, strict=True):
        d = task.scores - task.scores[:, [leader]]
        flips = (d**2).sum(axis=0)
        apart = apart + share * d.mean(axis=0)
        variance = variance + share**2 * flips / len(d) ** 2
        step = np.minimum(step, np.where(flips > 0, share / len(d), np.inf))
    beyond = np.maximum(0.0, np.abs(apart) - step) / np.where(variance > 0, np.sqrt(variance), 1.0)
    return np.asarray(np.where(variance > 0, np.minimum(1.0, 2 * ndtr(-beyond)), 1.0))


def check_against_the_board(rng: np.random.Generator) -> None:
    """Stop where the p values of all at once are not those that the board has of each pair."""
    for suite in SUITES:
        tasks, _ = make(6, suite, 0.02, rng)
        shares = [1 / len(tasks)] * len(tasks)
        found = flip_tests(tasks, shares, 2)
        board = [difference_over(tasks, shares, (2, other)).p for other in range(6)]
        if not np.allclose(found, board, rtol=1e-9):
            raise SystemExit(f"the simulation's tests are not the board's: {found}, {board}")


def table(found: list[Cell]) -> list[str]:
    """The cells as Markdown."""
    head = (
        "candidates", "suite", "spread, points", "certainty", "right", "shown", "where shown",
        "right there", "shortfall, points", "real", "score too high by", "after shrinking",
        "told apart",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for one in found:
        equal = not one.spread_points
        cells = (
            str(one.candidates),
            one.suite,
            "all equal" if equal else f"{one.spread_points:g}",
            percent(None if equal else one.certainty),
            percent(None if equal else one.right),
            percent(one.shown),
            percent(None if equal else one.shown_certainty),
            percent(None if equal else one.shown_right),
            f"{one.shortfall:.2f}",
            f"{one.real_shortfall:.2f}",
            f"{one.too_high:+.2f}",
            f"{one.too_high_shrunk:+.2f}",
            percent(one.told),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def percent(share: float | None) -> str:
    """A share as text."""
    return MISSING if share is None else f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
