"""Does a rare slow mode pass the gate unseen?

A candidate is slower by exactly the margin of 10 % in the geometric mean, as one run (or one
request) in seven that takes twice as long. Before: what the gate of means and medians passes.
After: what passes without a warning and without the word that so few runs cannot rule it out.

    python benchmarks/gate_slow.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.gate_trials import ALPHA, Array, Flags, regressed, times
from leaderboard.gate.policy import Rules
from leaderboard.gate.slow_runs import runs_that_show

RULES = Rules()
MARGIN = math.log1p(RULES.ttft_s.margin)
SHARE = MARGIN / math.log(2)
"""Share of runs or requests that take twice as long: their mean logarithm is the margin."""
REQUESTS = 5
TAILS = 6
"""Tests of slow ends in a gate of two workloads, which are corrected together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Shares of gates, of one kind of slow mode."""

    mode: str
    pairs: int
    spread: float
    passed: float
    """By means and medians: unseen before."""
    warned: float
    """Passed, and the slowest run or a slow end warns."""
    said: float
    """Passed without a warning, but the gate says that rare slow runs are not ruled out."""
    unseen: float
    """Passed with neither."""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="500 trials a cell, for 4,000")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    trials = 500 if asked.quick else 4000
    rng = np.random.default_rng(20261125)
    cells = [
        cell(rng, mode, pairs, spread, trials)
        for mode in ("runs", "requests", "none")
        for spread in (0.01, 0.05, 0.15)
        for pairs in (5, 10, 20)
    ]
    if asked.json:
        print(json.dumps([asdict(one) for one in cells]))
        return
    print(f"{trials:,} trials a cell; {SHARE:.1%} of runs or requests twice as slow")
    print("slow mode | spread | pairs | passed | warned | said | unseen, %")
    for one in cells:
        shares = " | ".join(
            f"{100 * share:.1f}" for share in (one.passed, one.warned, one.said, one.unseen)
        )
        print(f"{one.mode} | {one.spread:.0%} | {one.pairs} | {shares}")


def cell(rng: np.random.Generator, mode: str, pairs: int, spread: float, trials: int) -> Cell:
    """One kind of slow mode at one number of pairs.

    Args:
        rng: draws runs and requests.
        mode: `runs`, `requests` or `none` that are slow.
        pairs: of runs.
        spread: standard deviation of a run's logarithm, and of a request's about its run.
        trials: gates.
    """
    base, other = (_requests(rng, (trials, pairs), spread) for _ in range(2))
    slow = {"runs": (trials, pairs, 1), "requests": other.shape, "none": (0,)}[mode]
    if mode != "none":
        other = other + math.log(2) * (rng.random(slow) < SHARE)
    medians = [np.median(side, 2) for side in (base, other)]
    passed = times(medians[1] - medians[0], MARGIN, ALPHA).high < MARGIN
    warns = _slowest(*medians) | _tail(base, other)
    said = passed & ~warns & (pairs < runs_that_show(ALPHA))
    return Cell(
        mode=mode,
        pairs=pairs,
        spread=spread,
        passed=float(passed.mean()),
        warned=float((passed & warns).mean()),
        said=float(said.mean()),
        unseen=float((passed & ~warns & ~said).mean()),
    )


def _requests(rng: np.random.Generator, runs: tuple[int, int], spread: float) -> Array:
    """Logarithms of TTFT, shape (trials, pairs, requests)."""
    level = rng.normal(0, spread, size=(*runs, 1))
    found: Array = level + rng.normal(0, spread, size=(*runs, REQUESTS))
    return found


def _slowest(base: Array, other: Array) -> Flags:
    found: Flags = other.max(1) - base.max(1) >= math.log1p(RULES.slowest_run.margin)
    return found


def _tail(base: Array, other: Array) -> Flags:
    """The maximum of a run's five requests, a paired t test beside five others that pass."""
    tested = times(other.max(2) - base.max(2), math.log1p(RULES.tail.margin), ALPHA / TAILS)
    found: Flags = regressed([tested])[:, 0] & (tested.p <= ALPHA / TAILS)
    return found


if __name__ == "__main__":
    sys.exit(main())
