"""One look: who is told from the leader, and how often equal ones are, over all looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from leaderboard.choose.looks import judge_answers, judge_items
from leaderboard.rows.answers import read_answers
from leaderboard.stats.group_sequential import Look, critical_values, spent, two_sided_p
from leaderboard.stats.item_resampling import Items
from leaderboard.stats.paired_counts import mcnemar
from tests.leaderboard.conftest import Maker


def items(*right: int, n: int = 40) -> Items:
    """Candidates that get the first so many of n items."""
    scores = (np.arange(n)[:, None] < np.array(right)).astype(float)
    return Items(scores=scores, groups=np.arange(n))


def test_the_leader_is_told_from_who_differs_enough():
    # The last look may spend all 5 %: of three candidates z = 2.34, p = 0.019.
    # 10 items, all one way: p = 2 * 0.5 ** 10 = 0.002; 6: 0.031.
    found = judge_items([items(30, 24, 20)], [1.0], past=[], chance=0.05, begun=3)
    assert (found.order, found.outside) == ((0, 1, 2), (2,))
    assert two_sided_p(found.critical_z) == pytest.approx(0.019, abs=0.001)
    # Of two it is 1.96, and 6 are enough; early, with a share of the 5 %, they are not.
    assert judge_items([items(30, 24)], [1.0], past=[], chance=0.05, begun=2).outside == (1,)
    early = judge_items([items(30, 24)], [1.0], past=[], chance=spent(0.5), begun=2)
    assert (early.outside, early.critical_z) == ((), pytest.approx(2.96, abs=0.06))


def test_who_left_still_counts_among_all_pairs():
    left = judge_items([items(30, 24)], [1.0], past=[], chance=0.05, begun=5)
    assert left.critical_z == pytest.approx(2.73, abs=0.02)  # the studentised range of five / √2
    assert left.outside == ()


def test_each_task_counts_once_whatever_its_items():
    # 20 points of 10 items and -2 points of 100: the mean over tasks says +9, all items +0.
    first = Items(scores=np.array([[1.0, 0.0]] * 2 + [[1.0, 1.0]] * 8), groups=np.arange(10))
    second = Items(scores=np.array([[0.0, 1.0]] * 2 + [[1.0, 1.0]] * 98), groups=np.arange(100))
    found = judge_items([first, second], [0.5, 0.5], past=[], chance=0.05, begun=2)
    assert found.order == (0, 1)
    # (2 + 1) / (10 + 12) and (2 + 1) / (100 + 12): more of the first's items are worth asking.
    assert found.flips == pytest.approx((3 / 22, 3 / 112))
    assert found.look.information == pytest.approx(1 / (0.25 * 3 / 220 + 0.25 * 3 / 11200))


def test_records_are_judged_by_their_samples(made: Maker):
    scores = {"a": [1.0] * 30 + [0.0] * 10, "b": [1.0] * 20 + [0.0] * 20}
    answers = [
        read_answers(made.record(name, tasks={"t": made.task(sum(one) / 40, 40)}),
                     made.samples({"t": one}))
        for name, one in scores.items()
    ]  # fmt: skip
    found = judge_answers(answers, past=[], chance=0.05, begun=2)
    assert found is not None
    assert (found[0].outside, found[1]) == ((1,), {"t": pytest.approx(11 / 52)})


def test_equal_candidates_are_seldom_told_apart_though_looked_at_four_times():
    """The rule of a look on right and wrong items: p of the exact test at the look's own level."""
    rng = np.random.default_rng(7)
    shares = (0.25, 0.5, 0.75, 1.0)
    past = [Look(information=share, spent=spent(share)) for share in shares]
    levels = [two_sided_p(z) for z in critical_values(past, 2)]
    told = naive = 0
    for _ in range(1500):
        # 1,000 items of which the two answer 8 % differently, either way alike.
        sign = rng.choice([1, -1, 0], size=1000, p=[0.04, 0.04, 0.92])
        seen = [sign[: int(1000 * share)] for share in shares]
        p = [mcnemar(int((d > 0).sum()), int((d < 0).sum())) for d in seen]
        told += any(one <= level for one, level in zip(p, levels, strict=True))
        naive += any(one <= 0.05 for one in p)
    # 4.7 % here (± 0.6), and 10.3 % where each look takes itself for the only one.
    assert 0.02 < told / 1500 <= 0.05
    assert naive / 1500 > 0.08


@pytest.mark.parametrize("share", [0.004, 0.02, 0.05, 0.06, 0.065, 0.07, 0.1])
@pytest.mark.parametrize("begun", [2, 6])
def test_an_early_look_tells_what_is_clear_and_nothing_else(share: float, begun: int):
    # 20 items all one way: p = 2 * 0.5 ** 20 = 2e-6; a tenth of the time may spend 3e-12 at most.
    found = judge_items([items(40, 20)], [1.0], past=[], chance=spent(share), begun=begun)
    assert (found.outside, found.order) == ((), (0, 1))
    # 1,000: p = 2e-301, below what 0.4 % of the time may spend in a pair: 1e-274.
    wide = items(1000, 0, n=1000)
    assert judge_items([wide], [1.0], past=[], chance=spent(share), begun=begun).outside == (1,)


def test_a_look_that_may_spend_nothing_is_a_look():
    found = judge_items([items(40, 0)], [1.0], past=[], chance=0.0, begun=2)
    assert (found.outside, found.critical_z) == ((), math.inf)
