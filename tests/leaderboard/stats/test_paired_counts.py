from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from leaderboard.stats.intervals import Interval
from leaderboard.stats.paired_counts import detectable_difference, mcnemar, score_interval

COUNTS = st.integers(1, 400).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n))
    )
)
"""(gained, lost, n)"""


def rounded(interval: Interval) -> tuple[float, float]:
    return round(interval.low, 4), round(interval.high, 4)


# McNemar.


@pytest.mark.parametrize(
    ("gained", "lost", "p", "mid_p"),
    [
        # Bentur et al. (2009) as in Fagerland, Lydersen & Laake (2013), 7 against 1 of 8:
        # 2 * (1 + 8) / 256 = 0.0703; half of the observed outcome's 2 * 8 / 256 less: 0.0391.
        (1, 7, 18 / 256, 10 / 256),
        # Cavo et al. (2012), the same authors: mid-p 0.034690.
        (6, 16, 0.052479, 0.034690),
        # All five one way: 2 / 32; mid 1 / 32.
        (5, 0, 2 / 32, 1 / 32),
        # As many one way as the other.
        (4, 4, 1.0, 1.0),
        (0, 0, 1.0, 1.0),
    ],
)
def test_mcnemar_as_published(gained: int, lost: int, p: float, mid_p: float):
    assert mcnemar(gained, lost) == pytest.approx(p, rel=1e-4)
    assert mcnemar(gained, lost, mid_p=True) == pytest.approx(mid_p, rel=1e-4)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(gained: int, lost: int):
    expected = scipy_stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(gained, lost) == mcnemar(lost, gained)
    assert mcnemar(gained, lost, mid_p=True) <= mcnemar(gained, lost)


def test_flips_are_counts():
    with pytest.raises(ValueError, match="-1 and 3 are not counts"):
        mcnemar(-1, 3)


# Tango's interval.


@pytest.mark.parametrize(
    ("gained", "lost", "n", "low", "high"),
    [
        # Fagerland, Lydersen & Laake, Statistics in Medicine 33 (2014) 2850-2875: the two studies
        # above, of 21 children and 161 patients. The second as the authors' own R package
        # (contingencytables) prints it.
        (1, 7, 21, -0.517, -0.026),
        (6, 16, 161, -0.1240, -0.0054),
    ],
)
def test_score_interval_as_published(gained: int, lost: int, n: int, low: float, high: float):
    found = score_interval(gained, lost, n)
    assert found.low == pytest.approx(low, abs=6e-4)
    assert found.high == pytest.approx(high, abs=6e-4)


def test_no_flip_is_not_no_difference():
    # z^2 = 3.841459: 3.841459 / 43.841459 = 0.0876 for 40 items, / 203.841459 = 0.0188 for 200.
    assert rounded(score_interval(0, 0, 40)) == (-0.0876, 0.0876)
    assert rounded(score_interval(0, 0, 200)) == (-0.0188, 0.0188)


def test_every_item_flipped():
    found = score_interval(10, 0, 10)
    assert found.high == pytest.approx(1)
    assert 0.4 < found.low < 1
    assert rounded(score_interval(0, 10, 10)) == (-1.0, round(-found.low, 4))


@given(COUNTS)
def test_score_interval_holds_the_estimate_and_mirrors(counts: tuple[int, int, int]):
    gained, lost, n = counts
    found, mirrored = score_interval(gained, lost, n), score_interval(lost, gained, n)
    assert -1 <= found.low <= (gained - lost) / n <= found.high <= 1
    assert found.low == pytest.approx(-mirrored.high, abs=1e-9)
    wider = score_interval(gained, lost, n, confidence=0.99)
    assert wider.low <= found.low + 1e-12
    assert found.high <= wider.high + 1e-12


@pytest.mark.parametrize("counts", [(12, 5, 100), (1, 7, 21), (3, 3, 40), (0, 9, 60)])
def test_limits_are_where_the_score_test_stands_at_its_level(counts: tuple[int, int, int]):
    # Independently of the closed form: the nuisance share that maximises the likelihood, found
    # by search, and the score statistic with it.
    gained, lost, n = counts

    def statistic(assumed: float) -> float:
        def against(share: float) -> float:
            cells = ((gained, share + assumed), (lost, share))
            rest = 1 - 2 * share - assumed
            logs = math.fsum(k * math.log(max(p, 1e-300)) for k, p in cells if k)
            return -(logs + (n - gained - lost) * math.log(max(rest, 1e-300)))

        span = (max(0.0, -assumed) + 1e-12, (1 - assumed) / 2 - 1e-12)
        share = optimize.minimize_scalar(
            against, bounds=span, method="bounded", options={"xatol": 1e-12}
        ).x
        variance = n * (2 * share + assumed * (1 - assumed))
        return (gained - lost - n * assumed) / math.sqrt(variance)

    found = score_interval(gained, lost, n)
    assert statistic(found.low) == pytest.approx(1.959964, abs=2e-3)
    assert statistic(found.high) == pytest.approx(-1.959964, abs=2e-3)


@pytest.mark.parametrize("counts", [(3, 3, 5), (-1, 0, 5), (0, 0, 0)])
def test_counts_that_do_not_fit(counts: tuple[int, int, int]):
    with pytest.raises(ValueError, match="not paired counts"):
        score_interval(*counts)


# What could be seen.


def test_detectable_difference_by_hand():
    # 1,000 items, 10 % discordant: d = (1.959964 sqrt(.1) + 0.841621 sqrt(.1 - d^2)) / sqrt(1000).
    # d = 0.0279: sqrt(.1) = .316228, sqrt(.1 - .000778) = .314995;
    # (.619796 + .265106) / 31.622777 = .027983. Once more with d = .027983: the same.
    assert detectable_difference(1000, 0.1) == pytest.approx(0.02798, abs=2e-5)


def test_detectable_difference_where_nothing_flipped():
    # All flips one way, share = d: sqrt(n d) = 1.959964 + 0.841621 sqrt(1 - d); n = 100:
    # d = 0.0767: sqrt(7.67) = 2.7695; 1.959964 + 0.841621 * 0.960885 = 2.7687. Close.
    assert detectable_difference(100, 0.0) == pytest.approx(0.0767, abs=1e-4)


def test_three_items_show_nothing():
    # Even all of three gained: sqrt(3) = 1.73 < 1.96.
    assert detectable_difference(3, 0.5) is None
    with pytest.raises(ValueError, match="discordance of 2"):
        detectable_difference(10, 2)


@pytest.mark.parametrize(("n", "discordance"), [(200, 0.1), (570, 0.2), (2000, 0.05)])
def test_what_is_detectable_is_detected_four_times_in_five(n: int, discordance: float):
    # Exact power of "0 is outside the score interval", summed over the flips. Connor's formula is
    # an approximation: with twenty flips it errs by four points, on the careful side.
    difference = detectable_difference(n, discordance)
    assert difference is not None
    gain = (discordance + difference) / 2
    power = 0.0
    for flips in range(n + 1):
        weight = scipy_stats.binom.pmf(flips, n, discordance)
        if weight < 1e-9:
            continue
        # 0 is outside where |b - c| > 1.96 sqrt(b + c): Tango's statistic at 0.
        most = math.floor((flips + 1.959964 * math.sqrt(flips)) / 2)
        least = math.ceil((flips - 1.959964 * math.sqrt(flips)) / 2)
        share = gain / discordance
        power += weight * (
            scipy_stats.binom.sf(most, flips, share)
            + scipy_stats.binom.cdf(least - 1, flips, share)
        )
    assert power == pytest.approx(0.8, abs=0.04)


@given(st.integers(10, 5000), st.floats(0, 1))
def test_more_items_show_smaller_differences(n: int, discordance: float):
    few, many = detectable_difference(n, discordance), detectable_difference(2 * n, discordance)
    assert few is not None
    assert many is not None
    assert many < few <= 1
