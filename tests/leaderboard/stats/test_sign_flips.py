"""Losses a unit of size: values by hand, the exact test by every sign pattern, and its level."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from leaderboard.stats.intervals import Interval
from leaderboard.stats.sign_flips import FLIPS, STUDENT, rate_loss


def by_every_pattern(lost: list[float], sizes: list[float], rate: float) -> float:
    """One-sided p of the sign-flip test that no more than `rate` is lost, as its definition says:
    the share of sign patterns whose sum is as large as the one that was seen.
    """
    excess = [d - rate * t for d, t in zip(lost, sizes, strict=True)]
    seen = math.fsum(excess)
    patterns = list(itertools.product((1, -1), repeat=len(excess)))
    sums = [
        math.fsum(sign * x for sign, x in zip(signs, excess, strict=True)) for signs in patterns
    ]
    return sum(one >= seen - 1e-9 for one in sums) / len(patterns)


def test_by_hand():
    # 2 nats in 2 tokens, 0 in 2: 2 / 4 = 0.5 nats a token. Excess 2 - 0.5 * 2 = 1 and -1; the
    # standard error is sqrt((1 + 1) * 2 / 1) / 4 = 0.5.
    found = rate_loss([2.0, 0.0], [2.0, 2.0], confidence=0.5)
    assert (found.loss, found.stderr, found.items, found.method) == (0.5, 0.5, 2, FLIPS)
    # Of the subsets {first}: 1, {second}: 0, {both}: 0.5; of four patterns, a quarter a side.
    assert found.interval == Interval(low=0.0, high=1.0)
    # As large as what was seen, +2 + 0: itself, and with the second's sign turned.
    assert found.p == 0.5


def test_p_is_that_of_every_sign_pattern():
    rng = np.random.default_rng(5)
    lost, sizes = [*rng.normal(0.3, 1, 11)], [*rng.integers(1, 9, 11).astype(float)]
    assert rate_loss(lost, sizes).p == pytest.approx(by_every_pattern(lost, sizes, 0.0))


def test_the_limits_are_where_the_test_at_a_rate_starts_to_reject():
    rng = np.random.default_rng(6)
    lost, sizes = [*rng.normal(0.3, 1, 10)], [*rng.integers(1, 9, 10).astype(float)]
    found = rate_loss(lost, sizes, confidence=0.9)
    assert found.interval
    # A rate a hair below the lower limit is rejected at 5 %, one a hair above it is not.
    low = found.interval.low
    assert by_every_pattern(lost, sizes, low - 1e-6) <= 0.05
    assert by_every_pattern(lost, sizes, low + 1e-6) > 0.05
    # The upper limit is the same test with all signs turned.
    turned = [-d for d in lost]
    assert by_every_pattern(turned, sizes, -found.interval.high - 1e-6) <= 0.05
    assert by_every_pattern(turned, sizes, -found.interval.high + 1e-6) > 0.05


def test_drawn_patterns_agree_with_all_of_them():
    rng = np.random.default_rng(7)
    lost, sizes = [*rng.normal(0.35, 1, 14)], [*rng.integers(1, 9, 14).astype(float)]
    # 9,999 drawn: a standard error of sqrt(p (1 - p) / 9,999), 0.005 at most.
    assert rate_loss(lost, sizes).p == pytest.approx(by_every_pattern(lost, sizes, 0.0), abs=0.02)


def test_clusters_flip_as_one():
    found = rate_loss([1.0, 1.0, 3.0, 1.0], [1.0] * 4, clusters=["x", "x", "y", "y"])
    # 2 of 2 and 4 of 2 nats a token: two clusters have 4 patterns, of which one is as large.
    assert (found.clusters, found.items, found.p, found.loss) == (2, 4, 0.25, 1.5)
    assert found.interval is None  # 4 patterns have no tail of 2.5 %


def test_from_300_on_it_is_students_t():
    lost = [0.0, 1.0] * 150
    found = rate_loss(lost, [1.0] * 300)
    # Excess ±0.5: sqrt(300 * 0.25 * 300 / 299) / 300; t of 299 degrees at 97.5 % is 1.96793.
    stderr = math.sqrt(300 * 0.25 * 300 / 299) / 300
    assert (found.method, found.stderr) == (STUDENT, pytest.approx(stderr))
    assert found.interval
    assert found.interval.half == pytest.approx(1.96793 * stderr, rel=1e-5)
    assert found.p < 1e-30
    assert rate_loss(lost[:299], [1.0] * 299).method == FLIPS
    # Of 300 items in 150 pairs, 150 flip.
    pairs = [i // 2 for i in range(300)]
    assert rate_loss(lost, [1.0] * 300, clusters=pairs).method == FLIPS


def test_nothing_lost_anywhere():
    for n in (5, 20, 400):
        found = rate_loss([0.0] * n, [3.0] * n)
        assert (found.loss, found.p) == (0.0, 1.0)


@pytest.mark.parametrize("rate", [0.0, math.log(1.02)])
def test_the_level_at_no_loss_and_at_the_margin(rate: float):
    # Texts of unlike lengths whose noise grows with them, which lose just `rate` a token: told to
    # lose more in 5 %, and to lose less in 5 %. 600 trials: a standard error of 0.9 points; 7.7 %
    # is three above.
    rng = np.random.default_rng(8)
    more = less = 0
    for _ in range(600):
        sizes = np.exp(rng.normal(3, 1, 40))
        lost = rate * sizes + rng.normal(size=40) * 0.1 * sizes
        found = rate_loss(lost, sizes, confidence=0.9)
        assert found.interval
        more += found.interval.low > rate
        less += found.interval.high < rate
    assert more <= 46
    assert less <= 46


@pytest.mark.parametrize(
    ("lost", "sizes"),
    [([], []), ([1.0], [1.0, 2.0]), ([math.nan], [1.0]), ([1.0], [0.0]), ([1.0, 1.0], [-1.0, 3.0])],
)
def test_what_has_no_rate_is_refused(lost: list[float], sizes: list[float]):
    with pytest.raises(ValueError, match="loss"):
        rate_loss(lost, sizes)
