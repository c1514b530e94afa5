from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from leaderboard.stats.corrections import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)

# Benjamini & Hochberg (1995), section 4.1: fifteen hypotheses of a trial of thrombolysis.
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
    0.6528, 0.7590, 1.000,
]  # fmt: skip


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 = 0.02, 0.03, 0.06, 0.04 -> 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04: times 4/1, 4/2, 4/3, 4/4 = 0.02, 0.02, 0.04, 0.04.
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_the_published_example():
    # The paper: Bonferroni's kind of control rejects the first three, theirs the first four.
    assert sum(p <= 0.05 for p in holm(PUBLISHED)) == 3
    assert sum(p <= 0.05 for p in benjamini_hochberg(PUBLISHED)) == 4


@given(P_VALUES)
def test_benjamini_hochberg_agrees_with_scipy(p_values: list[float]):
    expected = false_discovery_control(p_values, method="bh")
    assert benjamini_hochberg(p_values) == pytest.approx(list(expected))


@given(P_VALUES)
def test_corrections_keep_order_and_only_raise(p_values: list[float]):
    for adjusted in (holm(p_values), benjamini_hochberg(p_values)):
        for p, raised in zip(p_values, adjusted, strict=True):
            assert p <= raised + 1e-15
            assert raised <= 1
        for i, p in enumerate(p_values):
            for j, q in enumerate(p_values):
                assert not p < q or adjusted[i] <= adjusted[j]
    # Holm controls more, and is never better than Bonferroni would have it.
    for p, h, b in zip(p_values, holm(p_values), benjamini_hochberg(p_values), strict=True):
        assert b <= h + 1e-15
        assert h <= min(1.0, len(p_values) * p) + 1e-15


def test_a_family_of_one_or_none():
    assert holm([0.03]) == benjamini_hochberg([0.03]) == [0.03]
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_what_is_no_probability(correct):
    with pytest.raises(ValueError, match=r"p value of 1\.5"):
        correct([0.1, 1.5])
