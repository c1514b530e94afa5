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


def test_right_and_wrong_items_take_wilson_however_many() -> None:
    # 81 of 263: the standard error of right and wrong items, sqrt(0.308 * 0.692 / 262).
    assert rounded(stats.proportion_interval(81 / 263, _stderr(81, 263), 263)) == (0.2553, 0.3662)
    assert stats.proportion_interval(0.01, _stderr(30, 3000), 3000) == stats.wilson(30, 3000)
    assert stats.proportion_interval(0.5, None, 400) == stats.wilson(200, 400)
    assert stats.proportion_interval(1.0, 0.0, 400) == stats.wilson(400, 400)


def test_clusters_make_fewer_items_of_many() -> None:
    # 100 passages of 4 questions that go together: as 25 of 100 passages.
    clustered = _stderr(100, 400) * 2
    found = stats.proportion_interval(0.25, clustered, 400, design_effect=4)
    assert found == stats.wilson(25, 100)
    # Clusters that cancel out never narrow it.
    kind = _stderr(100, 400) * 0.5**0.5
    assert stats.proportion_interval(0.25, kind, 400, design_effect=0.5) == stats.wilson(100, 400)


def test_scores_between_right_and_wrong_take_t() -> None:
    # 0.4, 0.5, 0.6: mean 0.5, s = 0.1, s / sqrt(3) = 0.057735; t of 2 is 4.302653: 0.2484.
    assert rounded(stats.proportion_interval(0.5, 0.0577350269, 3)) == (0.2516, 0.7484)
    cut = stats.proportion_interval(0.99, 0.01, 10)  # 0.99 + 2.262 * 0.01 > 1
    assert (round(cut.low, 4), cut.high, round(cut.half, 4)) == (0.9674, 1.0, 0.0226)


@pytest.mark.parametrize("effect", [1.0, 3.5])
def test_right_or_wrong_is_seen_by_the_variance(effect: float) -> None:
    stderr = _stderr(30, 100) * effect**0.5
    assert stats.right_or_wrong(0.3, stderr, 100, effect)
    assert not stats.right_or_wrong(0.3, 0.99 * stderr, 100, effect)


def _stderr(right: int, n: int) -> float:
    return math.sqrt(right / n * (1 - right / n) / (n - 1))


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


def test_combined_interval() -> None:
    # Distances 0.03 and 0.04 below, 0.06 and 0.08 above: 0.05 / 2 and 0.1 / 2 from the mean 0.5.
    tasks = [(0.4, Interval(low=0.37, high=0.46)), (0.6, Interval(low=0.56, high=0.68))]
    assert rounded(stats.combined_interval(tasks)) == (0.475, 0.55)
    assert stats.combined_interval(tasks[:1]) == Interval(low=pytest.approx(0.37), high=0.46)
    with pytest.raises(ValueError, match="no tasks"):
        stats.combined_interval([])


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


def test_the_quantile_of_all_but_certainty() -> None:
    # 1 - 2^-53 is the last number below 1: Φ(-z) = 2^-54 = 5.55e-17 at z = 8.29.
    assert stats.two_sided_z(1 - 2.0**-53) == pytest.approx(8.29, abs=0.01)
    assert stats.two_sided_z(0.95) == pytest.approx(1.959964)
