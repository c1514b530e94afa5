from __future__ import annotations

import math

import pytest
from scipy.stats import binom, norm

from leaderboard.stats.guessing import MEAN, Part, below, level, normalised
from leaderboard.stats.intervals import Interval, wilson


def part(name: str, right: int, n: int, chance: float) -> Part:
    return Part(name=name, value=right / n, interval=wilson(right, n), chance=chance, n=n)


def test_the_level_is_the_mean_of_the_chances():
    parts = [part("a", 50, 100, 0.25), part("b", 50, 100, 0.5), part("c", 50, 100, 0.0)]
    assert level(parts) == pytest.approx(0.25)
    # The second three times as much: 1.75 / 4.
    assert level(parts[:2], [1.0, 3.0]) == pytest.approx(0.4375)
    assert level([part("c", 5, 10, 0.0)]) is None
    assert level(parts, [0.0, 0.0, 0.0]) is None
    assert level(parts, [0.0, 0.0, 1.0]) is None  # what counts has no choices


def test_normalised_counts_from_guessing():
    # (0.625 - 0.25) / 0.75 = 0.5 and (0.5 - 0.5) / 0.5 = 0: mean 0.25.
    one = Part(name="a", value=0.625, interval=Interval(low=0.55, high=0.7), chance=0.25, n=160)
    two = Part(name="b", value=0.5, interval=Interval(low=0.4, high=0.6), chance=0.5, n=100)
    found = normalised([one, two])
    assert found is not None
    assert found[0] == pytest.approx(0.25)
    # Half widths 0.075 / 0.75 = 0.1 and 0.1 / 0.5 = 0.2: sqrt(0.01 + 0.04) / 2 = 0.111803.
    assert found[1].low == pytest.approx(0.25 - 0.111803, abs=1e-6)
    assert found[1].high == pytest.approx(0.25 + 0.111803, abs=1e-6)


def test_below_guessing_is_below_0():
    found = normalised([part("b", 39, 100, 0.5)])
    assert found is not None
    assert found[0] == pytest.approx(-0.22)
    assert normalised([]) is None
    assert normalised([part("sure", 9, 10, 1.0)]) is None


def test_a_task_below_guessing_is_named():
    # 79 of 200 two-choice questions: P(X <= 79) = 0.0018; times 3, two tasks and their mean.
    low, fair = part("boolq", 79, 200, 0.5), part("arc", 60, 200, 0.25)
    assert binom.cdf(79, 200, 0.5) == pytest.approx(0.0018, abs=1e-4)
    assert below([low, fair]) == ("boolq",)
    assert below([fair]) == ()
    assert below([part("open", 0, 200, 0.0)]) == ()


def test_many_tasks_a_little_below_are_told_by_their_mean():
    # 45 of 100 each: P(X <= 45) = 0.184, but over ten tasks z = -0.05 / (0.05 / sqrt(10)) = -3.16.
    parts = [part(str(i), 45, 100, 0.5) for i in range(10)]
    assert norm.cdf(-math.sqrt(10)) * 11 == pytest.approx(0.0086, abs=1e-3)
    assert below(parts) == (MEAN,)
