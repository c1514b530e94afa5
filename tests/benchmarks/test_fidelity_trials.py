"""The arithmetic of benchmarks/fidelity.py, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.fidelity import Texts, level, ordered, places, verdict
from leaderboard.stats.sign_flips import rate_loss


def texts(lost: list[float], sizes: list[float]) -> Texts:
    half = len(lost) // 2
    tasks = (np.arange(half), np.arange(half, len(lost)))
    return Texts(lost=np.array(lost), sizes=np.array(sizes), tasks=tasks)


def test_a_moved_loss_is_what_was_asked_for():
    # 6 nats in 8 tokens: 0.75; moved to 0.5, each item gives back 0.25 a token.
    found = texts([4.0, 2.0], [2.0, 6.0]).at(0.5)
    assert [*found.lost] == [3.5, 0.5]
    assert found.lost.sum() / found.sizes.sum() == 0.5


def test_a_sample_has_as_many_items_of_each_task():
    found = places(np.random.default_rng(1), texts([0.0] * 20, [1.0] * 20), 6)
    assert sum(place < 10 for place in found) == 3
    assert len(set(found)) == 6


def test_the_level_counts_both_ways():
    rng = np.random.default_rng(2)
    noisy = texts([*rng.normal(size=200)], [1.0] * 200).at(0.0)
    found = level(rng, "x", noisy, (20, 0.0), 200)
    assert (found.at, found.items) == (0.0, 20)
    assert 0 < found.more < 0.12
    assert 0 < found.less < 0.12
    # A true loss that is far off is told nearly always.
    assert level(rng, "x", noisy, (20, -5.0), 20).more == 1.0


def test_the_order_is_by_what_was_lost():
    rng = np.random.default_rng(3)
    known = {
        name: texts([lost] * 20, [1.0] * 20)
        for name, lost in (("q4_k_m", 0.1), ("q4_0", 0.2), ("q2_k", 0.3))
    }
    assert ordered(rng, known, 4, 5) == 1.0
    assert ordered(rng, {**known, "q2_k": texts([0.0] * 20, [1.0] * 20)}, 4, 5) == 0.0


@pytest.mark.parametrize(("rate", "word"), [(0.0, "pass"), (0.05, "regressed")])
def test_a_verdict_is_at_two_per_cent(rate: float, word: str):
    assert math.log(1.02) < 0.05
    assert verdict(rate_loss([rate * 10] * 20, [10.0] * 20)) == word
    assert verdict(rate_loss([rate], [1.0])) == "cannot tell"
