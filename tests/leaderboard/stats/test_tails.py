from __future__ import annotations

import pytest

from leaderboard.stats.tails import tail


@pytest.mark.parametrize(
    ("n", "high", "low"),
    [
        # The values are 1 to n. p90 of 20 lies at rank 0.9 * 19 = 17.1 above the first: 18.1.
        (1, ("maximum", 1.0), ("minimum", 1.0)),
        (19, ("maximum", 19.0), ("minimum", 1.0)),
        (20, ("p90", 18.1), ("p10", 2.9)),
        (59, ("p90", 53.2), ("p10", 6.8)),
        # 0.95 * 59 = 56.05 above the first: 57.05.
        (60, ("p95", 57.05), ("p5", 3.95)),
    ],
)
def test_as_far_as_the_values_bear(n: int, high: tuple[str, float], low: tuple[str, float]):
    values = [float(i + 1) for i in reversed(range(n))]
    for slow, (name, value) in (("high", high), ("low", low)):
        found = tail(values, slow)  # type: ignore[arg-type]
        assert found is not None
        assert (found.name, found.n) == (name, n)
        assert found.value == pytest.approx(value)


def test_59_values_bound_a_95th_percentile():
    assert 1 - 0.95**58 < 0.95 < 1 - 0.95**59


def test_of_two_sets_the_smaller_decides():
    found = tail([float(i) for i in range(100)], "high", fewest=19)
    assert found is not None
    assert (found.name, found.value) == ("maximum", 99.0)


def test_of_nothing_there_is_none():
    assert tail([], "high") is None
