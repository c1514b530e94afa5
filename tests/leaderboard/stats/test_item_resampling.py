from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from leaderboard.stats.item_resampling import Items, item_means, resample_items, resample_tasks
from leaderboard.stats.shrinkage import shrink_draws


def items(*columns: list[float], groups: list[int] | None = None) -> Items:
    scores = np.array(columns).T
    return Items(scores=scores, groups=np.array(groups or range(len(scores))))


def one_way(k: int, n: int, tasks: int) -> list[Items]:
    """Two candidates: the first gets everything, the second all but the first k items."""
    whole = np.ones((n, 2))
    whole[:k, 1] = 0
    return [items(part[:, 0].tolist(), part[:, 1].tolist()) for part in np.split(whole, tasks)]


def ahead(draws: np.ndarray) -> float:
    return float((draws[:, 0] > draws[:, 1]).mean())


@pytest.mark.parametrize("tasks", [1, 4])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_few_differing_items_read_as_under_jeffreys_prior(k: int, tasks: int):
    # Beta(k + 1/2, 1/2) above 1/2: 0.8183, 0.9244, 0.9664, 0.9930; without a prior: 1.
    sets = one_way(k, 400, tasks)
    draws = resample_items(sets, [1 / tasks] * tasks, np.random.default_rng(k), 20_000)
    expected = beta.sf(0.5, k + 0.5, 0.5)
    assert ahead(draws) == pytest.approx(expected, abs=0.01)
    assert expected == pytest.approx({1: 0.818, 2: 0.924, 3: 0.966, 5: 0.993}[k], abs=1e-3)
    # Shrinking never makes it surer.
    shrunk = shrink_draws(draws, item_means(sets, [1 / tasks] * tasks), np.random.default_rng(1), 2)
    assert ahead(shrunk) < ahead(draws)


def test_draws_lie_about_the_means_with_the_spread_of_the_items():
    # Tasks of 3 in 10 and 5 in 10 right, 3 to 1: 0.75 * 0.3 + 0.25 * 0.5 = 0.35.
    first, second = items([1.0] * 30 + [0.0] * 70), items([1.0] * 50 + [0.0] * 50)
    shares = [0.75, 0.25]
    assert item_means([first, second], shares).tolist() == pytest.approx([0.35])
    draws = resample_items([first, second], shares, np.random.default_rng(1), 20_000)
    assert draws.mean() == pytest.approx(0.35, abs=1e-3)
    # Variances 0.21 / 101 and 0.25 / 101, and the pseudo-item's share / 2 / n^2, which is little.
    variance = 0.75**2 * 0.21 / 101 + 0.25**2 * 0.25 / 101
    prior = 0.75**2 * 0.375 / 1e4 + 0.25**2 * 0.125 / 1e4
    assert draws.std() == pytest.approx(math.sqrt(variance + prior), rel=0.03)


def test_the_same_answers_draw_the_same():
    same = [1.0, 0.0, 1.0, 1.0]
    sets = [items(same, [0.0, 1.0, 1.0, 0.0], same)]
    draws = resample_items(sets, [1.0], np.random.default_rng(1), 500)
    np.testing.assert_array_equal(draws[:, 0], draws[:, 2])
    assert not np.array_equal(draws[:, 0], draws[:, 1])


def test_a_passage_is_one_item():
    # Five passages of ten items, each right or wrong as a whole: the spread of five items, 0.24
    # over 6, and a pseudo-passage of 10 as one of them is: of variance 1/2, over the square of the
    # sum of five weights, whose inverse square is 1 / (4 * 3) on average.
    right = [1.0] * 30 + [0.0] * 20
    passages = [i // 10 for i in range(50)]
    draws = resample_items([items(right, groups=passages)], [1.0], np.random.default_rng(1), 20_000)
    assert draws.std() == pytest.approx(math.sqrt(0.24 / 6 + 0.5 / 12), rel=0.06)
    alone = resample_items([items(right)], [1.0], np.random.default_rng(1), 20_000)
    assert alone.std() == pytest.approx(math.sqrt(0.24 / 51), rel=0.05)


def test_a_task_that_does_not_count_changes_nothing():
    counting, other = items([1.0, 0.0, 1.0]), items([0.0, 0.0])
    rng = np.random.default_rng
    alone = resample_items([counting], [1.0], rng(1), 50)
    np.testing.assert_array_equal(resample_items([counting, other], [1.0, 0.0], rng(1), 50), alone)


def test_tasks_are_drawn_as_their_mean_is():
    # Three tasks, two candidates; the second task counts nothing in the mean.
    rng = np.random.default_rng(3)
    sets = [items(*rng.integers(0, 2, size=(2, n)).astype(float).tolist()) for n in (50, 30, 20)]
    shares = [0.75, 0.0, 0.25]
    whole = resample_items(sets, shares, np.random.default_rng(5), 400)
    parts = resample_tasks(sets, shares, np.random.default_rng(5), 400)
    made_of = 0.75 * parts[0] + 0.25 * parts[2]
    assert np.abs(whole - made_of).max() < 2e-9  # each is rounded
    # The one that counts nothing is drawn as if it were alone: n = 30, variance p (1 - p) / 31.
    share = sets[1].scores[:, 0].mean()
    assert parts[1][:, 0].mean() == pytest.approx(share, abs=0.02)
    assert parts[1][:, 0].std() == pytest.approx(math.sqrt(share * (1 - share) / 31), rel=0.15)


def test_a_candidate_is_weighed_by_the_items_that_it_was_asked():
    # The second was asked the first four alone, of which it has 2 and the first 3; that one has 5
    # of all ten. So these were easier by a quarter, and the second is at 2/4 - 1/4 of all.
    first = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    some = items(first, [1, 1, 0, 0, *[math.nan] * 6])
    assert item_means([some], [1.0]) == pytest.approx([0.5, 0.25])
    draws = resample_items([some], [1.0], np.random.default_rng(1), 20_000)
    assert draws.mean(axis=0) == pytest.approx([0.5, 0.25], abs=0.02)
    # Its difference from the first is that of four items, one of which differs: Var of the mean of
    # (0, 0, -1, 0) under weights of Dirichlet(1, 1, 1, 1) is (1/4 * 3/4) / 5, beside the prior.
    apart = draws[:, 1] - draws[:, 0]
    assert apart.var() > 0.1875 / 5


def test_who_was_asked_nothing_of_a_task_is_as_good_as_usual():
    # Of the first task b is asked all, and is right in half of it; of the second nothing, where a
    # is right in one of four: its mean is (1/2 + 1/4) / 2.
    whole = items([1, 1, 1, 0], [1, 1, 0, 0])
    nothing = items([1, 0, 0, 0], [math.nan] * 4)
    sets = [whole, nothing]
    assert item_means(sets, [0.5, 0.5]) == pytest.approx([0.5, 0.375])
    draws = resample_items(sets, [0.5, 0.5], np.random.default_rng(1), 2000)
    assert np.isfinite(draws).all()
    assert draws.mean(axis=0) == pytest.approx([0.5, 0.375], abs=0.02)
