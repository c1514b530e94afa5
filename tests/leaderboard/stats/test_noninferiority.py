from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.stats.intervals import Interval
from leaderboard.stats.noninferiority import judge_loss


@pytest.mark.parametrize(
    ("low", "loss", "high", "verdict"),
    [
        # Figure 1 of the CONSORT statement, with a margin of one point, from better to worse.
        (-0.030, -0.020, -0.010, "pass"),  # better
        (-0.010, -0.001, 0.008, "pass"),  # no worse than the margin
        (0.002, 0.005, 0.008, "pass"),  # worse for sure, by less than anybody minds
        (-0.020, 0.000, 0.020, "cannot tell"),  # too few items
        (0.001, 0.008, 0.015, "cannot tell"),  # worse, and perhaps more than the margin
        (-0.001, 0.012, 0.025, "cannot tell"),  # more than the margin, or chance
        (0.004, 0.015, 0.026, "regressed"),
        (0.020, 0.030, 0.040, "regressed"),
        (-0.020, 0.000, 0.010, "cannot tell"),  # at the margin is not below it
    ],
)
def test_three_answers(low: float, loss: float, high: float, verdict: str):
    assert judge_loss(loss, Interval(low=low, high=high), 0.01) == verdict


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 1), st.floats(0, 1))
def test_a_wider_margin_is_never_stricter(
    loss: float, below: float, above: float, margin: float, more: float
):
    interval = Interval(low=loss - below, high=loss + above)
    order = ["pass", "cannot tell", "regressed"]
    narrow = judge_loss(loss, interval, margin)
    assert order.index(judge_loss(loss, interval, margin + more)) <= order.index(narrow)


@pytest.mark.parametrize(("loss", "margin"), [(0.5, 0.01), (0.0, 0.0), (0.0, -1.0)])
def test_what_cannot_be_judged(loss: float, margin: float):
    with pytest.raises(ValueError, match="cannot be judged"):
        judge_loss(loss, Interval(low=-0.1, high=0.1), margin)
