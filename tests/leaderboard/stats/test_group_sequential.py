"""Boundaries of several looks: the published ones, the single look's, and what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import studentized_range

from leaderboard.stats.group_sequential import (
    Look,
    critical_values,
    level_at,
    spent,
    two_sided_p,
)


def looks(*shares: float) -> list[Look]:
    """Looks at which information and time have grown to these shares."""
    return [Look(information=share, spent=spent(share)) for share in shares]


def test_two_candidates_have_the_published_boundaries():
    # Five equally spaced looks, two-sided 5 %, O'Brien-Fleming-like spending: 4.877, 3.357, 2.680,
    # 2.290, 2.031 (K. K. G. Lan & D. L. DeMets 1983; the programme `ld98` prints them so). The
    # second is of some 80 of 100,000 paths.
    found = critical_values(looks(0.2, 0.4, 0.6, 0.8, 1.0), 2)
    assert found[0] == pytest.approx(4.877, abs=0.001)  # the union bound, exact for one pair
    assert found[1] == pytest.approx(3.357, abs=0.06)
    assert found[2:] == pytest.approx([2.680, 2.290, 2.031], abs=0.02)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_one_look_is_the_studentised_range(m: int):
    expected = studentized_range.ppf(0.95, m, 1e9) / math.sqrt(2)
    assert critical_values(looks(1.0), m) == pytest.approx([expected], abs=0.02)


def test_little_is_spent_at_first_and_all_at_the_end():
    # z(0.9875) = 2.2414; at a quarter of the time 4 - 4 Φ(2.2414 / 0.5) = 4 * 3.67e-6.
    assert spent(0.25) == pytest.approx(1.47e-5, rel=0.01)
    assert (spent(0.0), spent(1.0), spent(1.5)) == pytest.approx((0.0, 0.05, 0.05))
    assert two_sided_p(1.959964) == pytest.approx(0.05)


def test_a_look_that_may_spend_nothing_tells_nothing():
    nothing = Look(information=1.0, spent=0.0)
    assert critical_values([nothing], 3) == [math.inf]
    # Nor does it cost the next one anything.
    after = critical_values([nothing, Look(information=2.0, spent=0.05)], 2)[1]
    assert after == pytest.approx(1.96, abs=0.02)


def test_the_same_data_looked_at_again_may_spend_what_is_left():
    # The time is over before more was answered: |Z| between both values was not yet told.
    first, again = critical_values([Look(information=1.0, spent=0.02),
                                    Look(information=1.0, spent=0.05)], 2)  # fmt: skip
    # P(|Z| > 2.326) = 0.02 and P(|Z| > 1.96) = 0.05.
    assert (first, again) == pytest.approx((2.326, 1.96), abs=0.02)


@pytest.mark.parametrize("shares", [(0.3, 0.5, 1.0), (0.2, 0.4, 0.6, 0.8, 1.0)])
@pytest.mark.parametrize("m", [2, 5])
def test_equal_candidates_are_told_apart_as_seldom_as_promised(shares: tuple[float, ...], m: int):
    rng = np.random.default_rng([m, len(shares)])
    steps = np.sqrt(np.diff([0.0, *shares]))
    paths = np.cumsum(steps[:, None, None] * rng.standard_normal((len(shares), 20_000, m)), axis=0)
    apart = (paths.max(axis=2) - paths.min(axis=2)) / np.sqrt(2 * np.array(shares))[:, None]
    limits = np.array(critical_values(looks(*shares), m))[:, None]
    # Of 20,000 paths 5 % are known to 0.15 points, and the boundaries to 0.1.
    assert (apart > limits).any(axis=0).mean() == pytest.approx(0.05, abs=0.006)
    naive = studentized_range.ppf(0.95, m, 1e9) / math.sqrt(2)
    assert (apart > naive).any(axis=0).mean() > 0.09


def test_a_first_look_at_a_small_share_of_the_time_has_its_boundary():
    # At a twentieth of the time 4 Φ(-2.2414 / √0.05) = 4 Φ(-10.024) = 4 * 5.98e-24 may be spent,
    # which 1 minus it does not show; z with Φ(-z) = 2 Φ(-10.024) lies ln 2 / 10.12 = 0.0685 lower.
    assert spent(0.05) == pytest.approx(2.39e-23, rel=0.01)
    assert critical_values(looks(0.05), 2) == pytest.approx([9.9552], abs=0.001)
    # Of five candidates ten pairs share it: ln 10 / 10.06 further out.
    assert critical_values(looks(0.05), 5) == pytest.approx([10.182], abs=0.005)


def test_boundaries_of_all_early_looks_are_finite_and_fall():
    shares = (0.004, 0.01, 0.02, 0.04, 0.06, 0.065, 0.07, 0.08, 0.1)
    for m in (2, 8):
        values = [critical_values(looks(share), m)[0] for share in shares]
        assert all(math.isfinite(one) for one in values)
        assert values == sorted(values, reverse=True)
    assert critical_values(looks(0.003), 2) == [math.inf]  # 4 Φ(-41) is no number any more


def test_the_level_of_one_pair_is_never_nothing():
    # 2 Φ(-7) = 2.56e-12; 2 Φ(-8.3) = 1.0e-16, whose confidence is 1 in a computer.
    assert level_at(7.0) == pytest.approx(2.56e-12, rel=0.01)
    assert (level_at(8.3), level_at(100.0), level_at(math.inf)) == (1e-12, 1e-12, 1e-12)
    assert level_at(0.0) == 0.05
