from __future__ import annotations

import numpy as np
import pytest

from leaderboard.stats.shrinkage import shrink_draws

Z = 2.0


def drawn(estimates: list[float], spread: float, draws: int = 20_000) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal((draws, len(estimates)))
    return np.array(estimates) + spread * noise


def shrunk(draws: np.ndarray, estimates: list[float]) -> np.ndarray:
    return shrink_draws(draws, np.array(estimates), np.random.default_rng(2), Z)


def test_a_spread_of_the_noise_alone_is_shrunk_and_one_far_beyond_is_not():
    # Estimates 1 apart with an error of 1: half of the spread may be noise. With an error of 0.01
    # none of it is.
    estimates = [2.0, 1.0, 0.0]
    near = shrunk(drawn(estimates, 1.0), estimates)
    assert near.mean(axis=0) == pytest.approx([1.35, 1.0, 0.65], abs=0.2)
    assert near.mean() == pytest.approx(1.0, abs=0.02)
    far = shrunk(drawn([0.02, 0.01, 0.0], 0.0001), [0.02, 0.01, 0.0])
    assert far.mean(axis=0) == pytest.approx([0.02, 0.01, 0.0], abs=1e-4)


def test_equal_estimates_stay_equal_and_share_alike():
    estimates = [0.5] * 4
    found = shrunk(drawn(estimates, 0.1), estimates)
    assert found.mean(axis=0) == pytest.approx([0.5] * 4, abs=3e-3)
    first = (found.argmax(axis=1) == 0).mean()
    assert first == pytest.approx(0.25, abs=0.02)


def test_what_cannot_be_the_best_stays_and_says_nothing_of_the_others():
    # Twice the critical difference is 2 * 2 * sqrt(2) * 0.1 = 0.57: the last lies beyond it.
    estimates = [1.1, 1.0, 0.1]
    draws = drawn(estimates, 0.1)
    found = shrunk(draws, estimates)
    np.testing.assert_array_equal(found[:, 2], draws[:, 2])
    np.testing.assert_allclose(
        found[:, :2].mean(axis=0), shrunk(draws[:, :2], estimates[:2]).mean(axis=0), atol=1e-9
    )


def test_nothing_to_shrink():
    same = np.tile(np.array([[0.4], [0.6]]), 3)
    np.testing.assert_array_equal(shrunk(same, [0.5] * 3), same)
    for few in (drawn([1.0], 0.1), np.empty((10, 0))):
        np.testing.assert_array_equal(shrunk(few, [1.0] * few.shape[1]), few)


def test_it_tells_the_truth_where_the_truth_is_normal():
    """Of 600 boards the share of right leaders, and the probability that the draws give them."""
    rng = np.random.default_rng(3)
    said, right = [], []
    for _ in range(600):
        true = 2.0 * rng.standard_normal(8)
        estimates = true + rng.standard_normal(8)
        draws = estimates + rng.standard_normal((300, 8))
        found = shrink_draws(draws, estimates, rng, 3.0)
        leader = estimates.argmax()
        said.append((found.argmax(axis=1) == leader).mean())
        right.append(true.argmax() == leader)
    # The share of right ones has a standard error of 2 points.
    assert np.mean(said) == pytest.approx(np.mean(right), abs=0.06)
