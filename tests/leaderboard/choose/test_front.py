from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from leaderboard.choose.front import on_front, place
from leaderboard.choose.resampling import gather
from leaderboard.rows.answers import ItemKey

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

# Few values, so that ties and equal points come up.
POINTS = hypothesis_numpy.arrays(
    np.float64, st.tuples(st.integers(0, 12), st.just(3)), elements=st.integers(0, 3).map(float)
)


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a >= b).all() and (a > b).any())


def test_by_hand():
    points = np.array(
        [
            [0.9, 10, -100],  # most accurate
            [0.5, 50, -100],  # fast
            [0.5, 10, -50],  # small
            [0.5, 10, -100],  # beaten by the one above, by two others too
            [0.9, 10, -100],  # equal to the first: neither beats the other
            [0.8, 9, -101],  # beaten by the first
        ]
    )
    assert on_front(points).tolist() == [True, True, True, False, True, False]


@given(POINTS)
def test_on_the_front_is_what_nothing_dominates(points: np.ndarray):
    found = on_front(points)
    for i, point in enumerate(points):
        assert found[i] == (not any(dominates(other, point) for other in points))
    assert found.any() or not len(points)
    # What is off the front is dominated by something on it.
    for point in points[~found]:
        assert any(dominates(other, point) for other in points[found])


@given(POINTS, POINTS)
def test_many_draws_are_many_fronts(first: np.ndarray, second: np.ndarray):
    m = min(len(first), len(second))
    both = np.stack([first[:m], second[:m]])
    assert on_front(both).tolist() == [on_front(first[:m]).tolist(), on_front(second[:m]).tolist()]


def test_probabilities(made: Maker):
    rows = [
        made.row("best", 0.9, 1000, decode=10, peak=1000),
        made.row("fast", 0.5, 1000, decode=99, peak=1000),
        made.row("beaten", 0.5, 1000, decode=9, peak=1001),
        made.row("near", 0.899, 1000, decode=10, peak=1000),
    ]
    found = {p.row.record.candidate.name: p for p in place(gather(rows))}
    assert [p.on_front for p in found.values()] == [True, True, False, False]
    chance = {name: p.probability for name, p in found.items()}
    assert chance["fast"] == 1
    assert chance["beaten"] == 0
    # Equal in speed and memory: of the two the more accurate is on it. 0.1 points of 1,000 items
    # each are a standardised 0.001 / (0.3 sqrt(2 / 1000)) = 0.075: 53 %.
    assert chance["best"] == pytest.approx(0.53, abs=0.04)
    assert chance["near"] == pytest.approx(1 - (chance["best"] or 0), abs=1e-9)


def test_the_same_answers_and_slower_is_off_the_front_for_sure(made: Maker):
    rows = [made.row("fast", 0.5, 40, decode=50), made.row("slow", 0.5, 40, decode=40)]
    same = {"t": {ItemKey("t", str(i), i): float(i % 2) for i in range(40)}}
    answers = {row.record.run_id: same for row in rows}
    paired = place(gather(rows, answers=answers))
    assert [p.probability for p in paired] == [1, 0]
    # From counts alone it might be the more accurate one.
    alone = place(gather(rows))
    assert alone[1].probability == pytest.approx(0.5, abs=0.05)
    assert not alone[1].on_front


def test_time_to_first_token_as_the_speed(made: Maker):
    rows = [
        made.row("a", 0.5, ttft_s=0.1, decode=10),
        made.row("b", 0.5, ttft_s=0.2, decode=20),
    ]
    assert [p.on_front for p in place(gather(rows), speed="ttft")] == [True, False]
    assert [p.on_front for p in place(gather(rows), speed="decode")] == [False, True]


def test_what_was_not_measured_has_no_place_and_pushes_nobody_off(made: Maker):
    rows = [made.row("a", 0.5), made.row("b", 0.9, memory=None), made.row("c", None, latency={})]
    found = place(gather(rows))
    assert [(p.on_front, p.probability) for p in found] == [(True, 1), (False, None), (False, None)]
    assert found[1].reason == "peak memory not measured"
    assert found[2].reason == "accuracy and decode speed not measured"
    assert place(gather([])) == ()
    assert place(gather(rows[1:]))[0].probability is None


def test_unlike_machines_are_refused(made: Maker):
    elsewhere = made.row("b", machine={**made.base.machine.said(), "fingerprint": "other"})
    with pytest.raises(ValueError, match="more than one machine"):
        gather([made.row("a"), elsewhere])


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(
    numbers=st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=6
    )
)
def test_a_row_is_marked_where_it_is_as_likely_on_the_front_as_not(made: Maker, numbers):
    rows = [
        made.row(str(i), right / 20, 20, decode=decode, peak=peak)
        for i, (right, decode, peak) in enumerate(numbers)
    ]
    found = place(gather(rows, draws=20))
    goods = [np.array([right, decode, -peak]) for right, decode, peak in numbers]
    for one, good in zip(found, goods, strict=True):
        assert one.probability is not None
        assert 0 <= one.probability <= 1
        undominated = not any(dominates(other, good) for other in goods)
        assert one.on_front == (undominated and one.probability >= 0.5)
        # Nothing is as small and as fast: whatever the items say, it is on the front.
        if not any((other[1:] >= good[1:]).all() for other in goods if other is not good):
            assert one.probability == 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([65, 100, 300]), st.sampled_from([1, 4, 1000]))
def test_many_points_have_the_front_that_all_pairs_give(seed: int, m: int, levels: int):
    """Few levels make many equal values; each draw of the stack has a front of its own."""
    rng = np.random.default_rng(seed)
    goods = rng.integers(0, levels, size=(3, m, 3)).astype(float)
    as_good = (goods[:, :, None] >= goods[:, None, :]).all(axis=3)
    better = (goods[:, :, None] > goods[:, None, :]).any(axis=3)
    assert (on_front(goods) == ~(as_good & better).any(axis=1)).all()
