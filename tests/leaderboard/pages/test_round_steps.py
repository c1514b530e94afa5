"""Stops of sliders: round, ascending, and nothing measured lies beyond them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leaderboard.pages.overview.round_steps import MOST, geometric, linear


def test_stops_about_three_values():
    # From 10 * 0.95 rounded down to 9.5, up to 40.
    found = geometric([10.0, 20.0, 40.0])
    assert (found[0], found[-1]) == (9.5, 40.0)
    assert all(float(f"{stop:.2g}") == stop for stop in found)


def test_what_was_chosen_is_among_them():
    assert 300.5 in geometric([100.0, 400.0], 300.5)
    assert geometric([None, 0.0], 7.0) == [7.0]
    assert linear([], 1.5) == [1.5]
    assert geometric([None]) == []


def test_shares_have_equal_steps():
    # (36 - 30) / 20 = 0.3, so steps of 0.5.
    found = linear([30.2, 35.9])
    assert (found[0], found[-1]) == (30.0, 36.0)
    assert {round(b - a, 6) for a, b in pairwise(found)} == {0.5}


@given(st.lists(st.floats(1e-3, 1e12), min_size=1, max_size=20))
def test_every_value_lies_within_the_stops(values: list[float]):
    found = geometric(values)
    assert found == sorted(set(found))
    assert found[0] < min(values)
    assert found[-1] >= max(values) * (1 - 1e-9)
    assert 1 <= len(found) <= MOST + 1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_every_share_lies_within_the_stops(values: list[float]):
    found = linear(values)
    assert found[0] <= min(values) + 1e-6
    assert found[-1] >= max(values) - 1e-6
    assert len(found) <= 2 * MOST
