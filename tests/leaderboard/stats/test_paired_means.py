from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.stats.intervals import Interval
from leaderboard.stats.paired_counts import score_interval
from leaderboard.stats.paired_means import (
    SCORE,
    STUDENT,
    PairedDifference,
    mean_difference,
    paired_difference,
)


def flips(gained: int, lost: int, same: int) -> tuple[list[float], list[float]]:
    """Right-or-wrong scores with so many changes."""
    before = [0.0] * gained + [1.0] * lost + [1.0] * same
    after = [1.0] * gained + [0.0] * lost + [1.0] * same
    return before, after


def test_the_prime_ministers_rating():
    # Agresti, Categorical Data Analysis, table 10.1: 944 approve, then 880, of 1,600; 150 change
    # one way, 86 the other. Difference -0.04, standard error 0.0095, interval (-0.06, -0.02).
    found = paired_difference(*flips(86, 150, 1600 - 236))
    assert (found.gained, found.lost, found.n, found.clusters) == (86, 150, 1600, 1600)
    assert found.difference == pytest.approx(-0.04)
    assert found.stderr == pytest.approx(0.0095, abs=1e-4)
    assert (round(found.interval.low, 2), round(found.interval.high, 2)) == (-0.06, -0.02)
    assert found.method == SCORE
    assert found.p < 1e-4


def test_no_flip():
    found = paired_difference(*flips(0, 0, 40))
    assert (found.difference, found.stderr, found.p) == (0, 0, 1)
    assert found.interval == score_interval(0, 0, 40)
    assert found.detectable is not None


def test_scores_between_right_and_wrong():
    # Differences 0.2, -0.1, 0.3, 0: mean 0.1; squares 0.01 + 0.04 + 0.04 + 0.01 = 0.1;
    # s^2 = 0.1 / 3, s / 2 = 0.0912871; t(3) = 3.182446: half 0.290516.
    found = paired_difference([0.1, 0.6, 0.2, 0.5], [0.3, 0.5, 0.5, 0.5])
    assert found.difference == pytest.approx(0.1)
    assert found.stderr == pytest.approx(0.0912871, abs=1e-7)
    assert found.interval.low == pytest.approx(0.1 - 0.290516, abs=1e-6)
    assert found.interval.high == pytest.approx(0.1 + 0.290516, abs=1e-6)
    assert (found.method, found.gained, found.lost) == (STUDENT, 2, 1)


def test_items_of_one_passage_count_as_fewer():
    # Two passages a side of three items that flip together: 3 gained in one of four passages.
    # d = 1 1 1 0 ... (12 items): mean 0.25; residuals sum per passage 2.25, -0.75 three times:
    # squares 5.0625 + 3 * 0.5625 = 6.75; * 4/3 / 144 = 0.0625: stderr 0.25, as of four items
    # of which one gained: s = 0.5, / sqrt(4).
    before, after = flips(3, 0, 9)
    found = paired_difference(before, after, clusters=[i // 3 for i in range(12)])
    assert (found.n, found.clusters) == (12, 4)
    assert found.stderr == pytest.approx(0.25)
    alone = paired_difference(before, after)
    # s^2 = 12/11 * 0.25 * 0.75, / 12 = 0.0170455, so the effect is 0.0625 / 0.0170455 = 3.6667.
    effect = 0.0625 / (0.1875 / 11)
    expected = score_interval(3 / effect, 0, 12 / effect)
    assert found.interval.low == pytest.approx(expected.low)
    assert found.interval.high == pytest.approx(expected.high)
    assert found.interval.low < alone.interval.low
    # As of 3.3 items, of which not even all gained would tell; of twelve some would.
    assert found.detectable is None
    assert alone.detectable is not None


def test_clusters_without_any_flip_count_once_each():
    found = paired_difference(*flips(0, 0, 12), clusters=["a"] * 6 + ["b"] * 6)
    # Design effect (36 + 36) / 12 = 6: as of two items.
    assert found.interval == score_interval(0, 0, 2)


def test_one_passage_says_nothing_of_the_spread():
    found = paired_difference(*flips(2, 1, 3), clusters=["a"] * 6)
    assert found.stderr is None
    # As one item that gained a sixth.
    assert found.interval == score_interval(2 / 6, 1 / 6, 1)


def test_one_item():
    found = paired_difference([0], [1])
    assert (found.difference, found.stderr, found.n, found.detectable) == (1, None, 1, None)
    assert found.interval.high == pytest.approx(1)


@pytest.mark.parametrize(
    ("before", "after", "clusters"),
    [([], [], None), ([1], [1, 0], None), ([1, 0], [1, 0], ["a"])],
)
def test_scores_of_other_items(before: list[float], after: list[float], clusters: list[str] | None):
    with pytest.raises(ValueError, match="not those of the same items"):
        paired_difference(before, after, clusters=clusters)


@pytest.mark.parametrize("score", [1.2, -0.1, math.nan])
def test_a_score_that_is_no_proportion(score: float):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        paired_difference([0.5, 1.0], [score, 1.0])


BITS = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*[st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n)] * 2)
)


@given(BITS)
def test_swapping_the_sides_mirrors(scores: tuple[list[float], list[float]]):
    a, b = scores
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert one.difference == -other.difference
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-9)
    assert (one.gained, one.lost, one.p) == (other.lost, other.gained, other.p)
    assert one.interval.low <= one.difference <= one.interval.high


@given(BITS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_clusters_never_narrow(scores, random):
    a, b = scores
    order = list(range(len(a)))
    random.shuffle(order)
    plain = paired_difference(a, b)
    shuffled = paired_difference([a[i] for i in order], [b[i] for i in order])
    assert shuffled.difference == pytest.approx(plain.difference)
    assert shuffled.interval.low == pytest.approx(plain.interval.low)
    grouped = paired_difference(a, b, clusters=[i // 2 for i in range(len(a))])
    assert grouped.interval.low <= plain.interval.low + 1e-9
    assert grouped.interval.high >= plain.interval.high - 1e-9


def test_the_interval_covers_as_often_as_it_says():
    # 40 items, 6 % gained, 3 % lost: 4,000 trials, 95 % +- 1.1 (three standard errors), and
    # a score interval on so few flips errs on the wide side.
    rng = np.random.default_rng(7)
    held = 0
    for gained, lost, _ in rng.multinomial(40, [0.06, 0.03, 0.91], size=4000):
        interval = score_interval(int(gained), int(lost), 40)
        held += interval.low <= 0.03 <= interval.high
    assert 0.939 <= held / 4000 <= 0.99


# Means over tasks.


def task(difference: float, low: float, high: float, stderr: float | None) -> PairedDifference:
    return PairedDifference(
        difference=difference, stderr=stderr, null_stderr=0.0,
        interval=Interval(low=low, high=high), n=100, clusters=100, gained=5, lost=3, p=0.7,
        detectable=0.1, method=SCORE, step=0.01,
    )  # fmt: skip


def test_mean_over_tasks():
    # Mean of 0.02 and 0.06: 0.04. Below sqrt(0.03^2 + 0.04^2) / 2 = 0.025; above
    # sqrt(0.05^2 + 0.12^2) / 2 = 0.065; standard error sqrt(0.03^2 + 0.04^2) / 2 = 0.025.
    found = mean_difference([task(0.02, -0.01, 0.07, 0.03), task(0.06, 0.02, 0.18, 0.04)])
    assert found.difference == pytest.approx(0.04)
    assert found.interval.low == pytest.approx(0.015)
    assert found.interval.high == pytest.approx(0.105)
    assert found.stderr == pytest.approx(0.025)
    assert (found.n, found.gained, found.lost) == (200, 10, 6)
    # The wider side, from a half-width of 1.959964 standard errors to one of 2.801585.
    assert found.detectable == pytest.approx(0.065 * 2.801585 / 1.959964, abs=1e-6)


def test_weights():
    # (3 * 0.02 + 1 * 0.06) / 4 = 0.03; below sqrt((0.75 * 0.03)^2 + (0.25 * 0.04)^2) = 0.024622.
    tasks = [task(0.02, -0.01, 0.05, 0.03), task(0.06, 0.02, 0.1, None)]
    found = mean_difference(tasks, weights=[3, 1])
    assert found.difference == pytest.approx(0.03)
    assert found.interval.low == pytest.approx(0.03 - 0.024622, abs=1e-6)
    assert found.stderr is None
    for weights in ([0, 0], [1], [1, -1], [1, math.nan], [math.nan, 1], [1, math.inf]):
        with pytest.raises(ValueError, match="do not fit 2 tasks"):
            mean_difference(tasks, weights=weights)
    with pytest.raises(ValueError, match="do not fit 0 tasks"):
        mean_difference([])


def test_the_mean_of_one_task_is_the_task():
    one = task(0.02, -0.01, 0.07, 0.03)
    assert mean_difference([one]) is one
