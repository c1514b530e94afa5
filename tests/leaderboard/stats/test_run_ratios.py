from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from leaderboard.stats.run_ratios import paired_ratio, unpaired_ratio

RUNS = st.lists(st.floats(0.01, 100), min_size=2, max_size=12)
PAIRS = RUNS.flatmap(
    lambda a: st.tuples(
        st.just(a), st.lists(st.floats(0.01, 100), min_size=len(a), max_size=len(a))
    )
)


def test_students_sleep_data():
    # Student (1908), table: hours of sleep gained by ten patients under two drugs; the paired
    # difference is 1.58 with t = 4.0621, p = 0.002833 and interval 0.7001 to 2.4599 (R, ?t.test).
    # As logarithms, so that the ratio is exp of it.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = paired_ratio([math.exp(x) for x in first], [math.exp(x) for x in second])
    assert math.log(found.ratio) == pytest.approx(1.58)
    assert found.interval
    assert math.log(found.interval.low) == pytest.approx(0.7001, abs=1e-4)
    assert math.log(found.interval.high) == pytest.approx(2.4599, abs=1e-4)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert (found.paired, found.reference_runs, found.other_runs) == (True, 10, 10)
    # The same taken as two groups: Welch's t = 1.8608, 17.776 degrees, p = 0.07939 (R, ?t.test).
    apart = unpaired_ratio([math.exp(x) for x in first], [math.exp(x) for x in second])
    assert apart.ratio == pytest.approx(found.ratio)
    assert apart.p == pytest.approx(0.07939, abs=1e-5)
    assert apart.interval
    assert math.log(apart.interval.low) == pytest.approx(-0.2054832, abs=1e-6)
    assert not apart.paired


@given(PAIRS)
def test_paired_agrees_with_scipy(pairs: tuple[list[float], list[float]]):
    a, b = pairs
    d = np.log(b) - np.log(a)
    if np.ptp(d) < 1e-6:
        return
    expected = scipy_stats.ttest_1samp(d, 0.0)
    found = paired_ratio(a, b)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)
    limits = expected.confidence_interval(0.95)
    assert found.interval
    assert math.log(found.interval.low) == pytest.approx(max(-700, limits.low), rel=1e-6, abs=1e-9)
    assert math.log(found.interval.high) == pytest.approx(min(700, limits.high), rel=1e-6, abs=1e-9)


@given(PAIRS)
def test_the_inverse_question_has_the_inverse_answer(pairs: tuple[list[float], list[float]]):
    for ratio in (paired_ratio, unpaired_ratio):
        one, other = ratio(*pairs), ratio(*reversed(pairs))
        assert one.ratio == pytest.approx(1 / other.ratio)
        assert one.interval
        assert other.interval
        assert one.interval.low == pytest.approx(1 / other.interval.high)
        assert one.detectable == pytest.approx(other.detectable)


@given(PAIRS, st.floats(0.1, 10))
def test_the_unit_does_not_matter(pairs: tuple[list[float], list[float]], scale: float):
    a, b = pairs
    found = paired_ratio([x * scale for x in a], [x * scale for x in b])
    assert found.ratio == pytest.approx(paired_ratio(a, b).ratio)


def test_what_ten_pairs_show():
    # Cohen, Statistical Power Analysis (1988), table 2.3: for a paired t of ten at 5 %, an effect
    # of one standard deviation of the differences is seen four times in five (0.803).
    logs = [0.0] * 10
    step = 0.1 * math.sqrt(9 / 10)  # five up, five down: sample standard deviation 0.1
    other = [math.exp(step if i % 2 else -step) for i in range(10)]
    found = paired_ratio([math.exp(x) for x in logs], other)
    assert found.detectable
    # The median sample of ten falls short of its standard deviation by 3.8 %.
    assert math.log(found.detectable) == pytest.approx(0.1 * 1.038, rel=0.01)


def test_what_is_detectable_is_detected_four_times_in_five():
    rng = np.random.default_rng(3)
    # Of a standard deviation of 0.05, as the median sample shows it.
    sample = _standardised(8) * np.median(rng.normal(0, 0.05, size=(4000, 8)).std(axis=1, ddof=1))
    true = math.log(paired_ratio([1.0] * 8, list(np.exp(sample))).detectable or 0)
    draws = rng.normal(true, 0.05, size=(4000, 8))
    seen = scipy_stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05
    assert seen.mean() == pytest.approx(0.8, abs=0.02)


def _standardised(n: int) -> np.ndarray:
    values = np.arange(n, dtype=float)
    return (values - values.mean()) / values.std(ddof=1)


def test_a_single_run_says_nothing_of_the_next():
    found = paired_ratio([2.0], [3.0])
    assert found.ratio == pytest.approx(1.5)
    assert (found.interval, found.p, found.detectable) == (None, None, None)
    found = unpaired_ratio([2.0], [3.0, 3.0])
    assert found.ratio == pytest.approx(1.5)
    assert (found.interval, found.reference_runs, found.other_runs) == (None, 1, 2)


def test_bytes_that_do_not_vary():
    for ratio in (paired_ratio, unpaired_ratio):
        same = ratio([4096.0] * 3, [4096.0] * 3)
        assert same.interval
        assert (same.ratio, same.p) == (1, 1)
        limits = (same.interval.low, same.interval.high, same.detectable)
        assert limits == pytest.approx((1, 1, 1))
        half = ratio([4096.0] * 3, [2048.0] * 3)
        assert (half.ratio, half.p) == (pytest.approx(0.5), pytest.approx(0))


def test_runs_that_are_no_pairs_or_no_times():
    with pytest.raises(ValueError, match="2 and 1 runs are no pairs"):
        paired_ratio([1.0, 2.0], [1.0])
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="not above 0"):
            unpaired_ratio([1.0], [value])
    with pytest.raises(ValueError, match="no values"):
        paired_ratio([], [])
