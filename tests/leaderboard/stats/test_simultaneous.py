from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import studentized_range

from leaderboard.stats.simultaneous import critical_z


@pytest.mark.parametrize("m", [3, 6, 30, 60])
def test_independent_errors_have_tukeys_range(m: int):
    # The studentised range of m normal variates, in standard errors of a difference: q / sqrt(2).
    noise = np.random.default_rng(m).standard_normal((20_000, m))
    expected = studentized_range.ppf(0.95, m, np.inf) / np.sqrt(2)
    assert critical_z(noise) == pytest.approx(expected, rel=0.02)


def test_what_all_share_does_not_count():
    rng = np.random.default_rng(1)
    own = rng.standard_normal((5000, 6))
    shared = own + 100 * rng.standard_normal((5000, 1))
    assert critical_z(shared) == pytest.approx(critical_z(own), rel=1e-6)


def test_two_are_told_apart_by_the_normal_quantile():
    noise = np.random.default_rng(1).standard_normal((100, 2))
    assert critical_z(noise) == pytest.approx(1.959964)
    assert critical_z(noise[:, :1]) == critical_z(noise[:, :0]) == critical_z(noise)


def test_equal_candidates_are_no_difference():
    same = np.tile(np.random.default_rng(1).standard_normal((100, 1)), 5)
    assert critical_z(same) == pytest.approx(1.959964)
