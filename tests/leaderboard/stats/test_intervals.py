import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.stats import intervals as stats
from leaderboard.stats.intervals import Interval


def rounded(interval: Interval) -> tuple[float, float]:
    return round(interval.low, 4), round(interval.high, 4)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(successes: int, n: int, low: float, high: float) -> None:
    assert rounded(stats.wilson(successes, n)) == (low, high)


def test_wilson_by_hand() -> None:
    # One of two at z = 1 (confidence 0.682689): centre (0.5 + 1/4) / (1 + 1/2) = 0.5,
    # half sqrt(0.25/2 + 1/16) / 1.5 = 0.433013 / 1.5 = 0.288675.
    assert rounded(stats.wilson(1, 2, confidence=0.6826894921)) == (0.2113, 0.7887)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_estimate_and_mirrors(counts: tuple[int, int]) -> None:
    successes, n = counts
    one, other = stats.wilson(successes, n), stats.wilson(n - successes, n)
    assert 0 <= one.low <= successes / n <= one.high <= 1
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 4), (5, 4)])
def test_counts_that_are_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        stats.wilson(successes, n)
    with pytest.raises(ValueError, match="not a proportion"):
        stats.above_chance(successes, n, 0.25)


def test_confidence_must_lie_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="confidence of 95"):
        stats.normal(0.5, 0.1, confidence=95)


def test_normal() -> None:
    # z = 1.959964: 0.5 +- 0.0196.
    assert rounded(stats.normal(0.5, 0.01)) == (0.4804, 0.5196)


def test_a_few_items_take_wilson_and_many_take_their_standard_error() -> None:
    few = stats.proportion_interval(81 / 263, 0.5, 263)  # the standard error is not looked at
    assert rounded(few) == (0.2553, 0.3662)
    assert rounded(stats.proportion_interval(0.5, 0.01, 300)) == (0.4804, 0.5196)
    assert stats.proportion_interval(0.5, None, 400) == stats.wilson(200, 400)
    clipped = stats.proportion_interval(0.99, 0.01, 300)  # 0.99 + 0.0196 > 1
    assert (round(clipped.low, 4), clipped.high) == (0.9704, 1.0)


@pytest.mark.parametrize(("value", "n"), [(1.01, 10), (-0.1, 10), (0.5, 0), (math.nan, 10)])
def test_a_value_that_is_no_proportion(value: float, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        stats.proportion_interval(value, 0.1, n)


def test_mean_stderr() -> None:
    # 1, 0, 1, 1: mean 0.75; squares 3 * 0.0625 + 0.5625 = 0.75; s^2 = 0.25; s / sqrt(4) = 0.25.
    assert stats.mean_stderr([1, 0, 1, 1]) == (0.75, 0.25)
    assert stats.mean_stderr([0.3]) == (0.3, None)
    with pytest.raises(ValueError, match="no values"):
        stats.mean_stderr([])


def test_combined() -> None:
    # Means 0.4, 0.6: 0.5. Errors 0.03, 0.04: sqrt(0.0009 + 0.0016) / 2 = 0.05 / 2.
    mean, stderr = stats.combined([(0.4, 0.03), (0.6, 0.04)])
    assert (mean, stderr) == (pytest.approx(0.5), pytest.approx(0.025))
    assert stats.combined([(0.4, 0.03), (0.6, None)]) == (0.5, None)
    with pytest.raises(ValueError, match="no tasks"):
        stats.combined([])


@pytest.mark.parametrize(
    ("successes", "n", "chance", "above"),
    [
        # A fair coin: P(X >= 5 of 5) = 1/32 = 0.031; P(X >= 4 of 4) = 1/16 = 0.0625.
        (5, 5, 0.5, True),
        (4, 4, 0.5, False),
        # 20 items of four choices: P(X >= 9) = 0.0409, P(X >= 8) = 0.1018 (binomial tables).
        (9, 20, 0.25, True),
        (8, 20, 0.25, False),
        (0, 20, 0.25, False),
        (20, 20, 1.0, False),
        (1, 20, 0.0, True),
        (0, 20, 0.0, False),
        # MMLU's size: sd = sqrt(14042 * 3/16) = 51.3, 5 % near 3510.5 + 1.645 * 51.3 = 3595.
        (3600, 14042, 0.25, True),
        (3590, 14042, 0.25, False),
    ],
)
def test_above_chance(successes: int, n: int, chance: float, above: bool) -> None:
    assert stats.above_chance(successes, n, chance) is above


def test_a_chance_that_is_no_probability() -> None:
    with pytest.raises(ValueError, match=r"chance of 25"):
        stats.above_chance(3, 4, 25)
