"""How often a 95 % interval holds the truth: exact sums over the binomial distribution."""

import math

import pytest
from scipy.stats import binom

from leaderboard.stats.intervals import Interval, normal, proportion_interval

pytestmark = pytest.mark.slow


def coverage(n: int, p: float, design_effect: int = 1, *, plain: bool = False) -> float:
    """Probability that the interval of n / design_effect independent clusters holds p.

    The items of a cluster all go the same way, so that their number right is a multiple.
    """
    clusters = n // design_effect
    total = 0.0
    for right in range(clusters + 1):
        share = right / clusters
        stderr = math.sqrt(share * (1 - share) / (n - 1) * design_effect)
        found = (
            normal(share, stderr)
            if plain and stderr  # where all agree, Wilson's stood in
            else proportion_interval(share, stderr, n, design_effect=design_effect)
        )
        total += binom.pmf(right, clusters, p) * _holds(found, p)
    return total


def _holds(interval: Interval, p: float) -> bool:
    return interval.low <= p <= interval.high


@pytest.mark.parametrize(("n", "p"), [(300, 0.01), (1000, 0.003), (1319, 0.005)])
def test_near_0_it_holds_the_truth_as_often_as_it_says(n: int, p: float) -> None:
    assert coverage(n, p) > 0.95
    assert coverage(n, 1 - p) > 0.95
    assert 0.84 < coverage(n, p, plain=True) < 0.89  # the normal interval


@pytest.mark.parametrize("n", [40, 200, 300, 570])
def test_anywhere_it_holds_the_truth_about_as_often_as_it_says(n: int) -> None:
    shares = [place / 100 for place in range(2, 99)]
    found = [coverage(n, p) for p in shares]
    assert 0.945 < sum(found) / len(found) < 0.96
    assert min(found) > 0.91


@pytest.mark.parametrize("design_effect", [4, 10])
def test_passages_that_go_together_count_once(design_effect: int) -> None:
    assert coverage(200, 0.3, design_effect) > 0.93
