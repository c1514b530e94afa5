"""Perplexities by their documents: values by hand, and the level that is promised."""

from __future__ import annotations

import math

import numpy as np
import pytest

from leaderboard.stats.intervals import Interval
from leaderboard.stats.likelihoods import likelihood_difference, times


def with_weights(nats: list[float], weights: list[float]) -> list[tuple[float, float]]:
    return list(zip(nats, weights, strict=True))


def test_by_hand():
    # Two documents of 2 and 6 words. 8 and 18 nats are lost by the reference, 10 and 24 by the
    # other: 26/8 = 3.25 and 34/8 = 4.25 nats a word, a loss of 1.
    a = with_weights([-8.0, -18.0], [2, 6])
    b = with_weights([-10.0, -24.0], [2, 6])
    found = likelihood_difference(a, b, confidence=0.5)
    assert (found.reference, found.other, found.loss) == (3.25, 4.25, 1.0)
    # Three subsets: 2/2, 6/6 and 8/8 nats a word lost: no spread, and 1 of 4 sign patterns is as
    # large as what was seen.
    assert (found.interval, found.stderr) == (Interval(low=1.0, high=1.0), 0.0)
    assert found.p == 0.25
    assert times(found.loss) == pytest.approx(math.e)


def test_the_interval_is_of_subsets():
    # One word each; 1, 2 and 6 nats lost: the loss is 3. The seven subsets lose 1, 1.5, 2, 3, 3.5,
    # 4 and 6 a word; of 8 = 2^3 patterns, a quarter at each side leaves out one value.
    a = with_weights([0.0] * 3, [1] * 3)
    b = with_weights([-1.0, -2.0, -6.0], [1] * 3)
    found = likelihood_difference(a, b, confidence=0.5)
    assert found.interval == Interval(low=1.5, high=4.0)
    assert found.p == 1 / 8
    # (1 - 3)^2 + (2 - 3)^2 + (6 - 3)^2 = 14; sqrt(14 * 3/2) / 3
    assert found.stderr == pytest.approx(math.sqrt(21) / 3)
    # Three documents say nothing at 95 %.
    assert likelihood_difference(a, b).interval is None
    assert likelihood_difference(a[:1], b[:1]).stderr is None


def test_documents_that_belong_together_are_one():
    a = with_weights([0.0] * 4, [1] * 4)
    b = with_weights([-1.0, -3.0, -2.0, -2.0], [1] * 4)
    found = likelihood_difference(a, b, clusters=["x", "x", "y", "y"])
    assert (found.clusters, found.documents, found.p) == (2, 4, 0.25)
    assert found.stderr == 0  # two nats a word in each text


def test_the_same_answers_lose_nothing():
    a = with_weights([-3.0] * 20, [5.0] * 20)
    found = likelihood_difference(a, a)
    assert (found.loss, found.interval, found.p) == (0, Interval(low=0, high=0), 1.0)


def test_the_other_way_round_is_the_opposite():
    rng = np.random.default_rng(1)
    a = with_weights([*rng.normal(size=30)], [*rng.uniform(1, 9, size=30)])
    b = [(x + y, w) for (x, w), y in zip(a, rng.normal(size=30), strict=True)]
    one, back = likelihood_difference(a, b), likelihood_difference(b, a)
    assert back.loss == pytest.approx(-one.loss)
    assert one.interval
    assert back.interval
    assert back.interval.low == pytest.approx(-one.interval.high)


@pytest.mark.parametrize(("documents", "spread"), [(8, 1.0), (40, 1.0), (40, 4.0)])
def test_an_unchanged_candidate_is_told_worse_in_5_percent_at_most(documents: int, spread: float):
    # Documents of unlike length whose noise grows with it. 400 trials at 5 %: a standard error of
    # 1.1 points; 9 % is more than three above.
    rng = np.random.default_rng(3)
    told = covered = 0
    for _ in range(400):
        words = np.exp(rng.normal(scale=spread / 2, size=documents)) * 50
        noise = rng.normal(size=documents) * words**0.5
        a = with_weights([*(-3 * words)], [*words])
        b = with_weights([*(-3 * words + noise)], [*words])
        found = likelihood_difference(a, b, confidence=0.9)
        told += found.p <= 0.05
        assert found.interval
        covered += found.interval.low <= 0 <= found.interval.high
    assert told <= 36
    assert covered >= 0.86 * 400


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([], []),
        ([(-1.0, 1.0)], []),
        ([(math.nan, 1.0)], [(-1.0, 1.0)]),
        ([(-1.0, 0.0)], [(-1.0, 0.0)]),
        ([(-1.0, -1.0), (-1.0, 3.0)], [(-1.0, 1.0), (-1.0, 1.0)]),
    ],
)
def test_what_is_no_perplexity_is_refused(a: list, b: list):
    with pytest.raises(ValueError, match=r"log-likelihood"):
        likelihood_difference(a, b)
