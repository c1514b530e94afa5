"""One sentence on what became of the answers: damage only where the weights are the same."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from leaderboard.compare.conclusion import conclusion
from leaderboard.compare.fidelity import Fidelity, Floor
from leaderboard.stats.intervals import Interval
from leaderboard.stats.sign_flips import FLIPS, RateLoss


def found(low: float, ratio: float, high: float, *, same_weights: bool) -> Fidelity:
    """A fidelity of this perplexity ratio, with its interval."""
    interval = Interval(low=math.log(low), high=math.log(high))
    loss = RateLoss(
        loss=math.log(ratio), interval=interval, stderr=None, p=0.5, items=64, clusters=64,
        method=FLIPS,
    )  # fmt: skip
    return Fidelity(
        loss=loss,
        reason="",
        unit="token",
        tokens=100.0,
        tasks=(),
        labels=(),
        divergence=None,
        changed=0,
        choices=0,
        floor=Floor(changed=None),
        vocabulary=None,
        same_weights=same_weights,
    )


# Margin 2%: a ratio of 1.02 is borne, and of other weights one of 1 / 1.02 = 0.9804.
@pytest.mark.parametrize(
    ("limits", "damage", "difference"),
    [
        ((1.05, 1.07, 1.09), "damaged", "answers differ"),
        ((0.999, 1.003, 1.01), "no damage beyond 2.0%", "answers agree within 2.0%"),
        ((1.00, 1.015, 1.05), "too few items to tell whether it is damaged beyond 2.0%",
         "too few items to tell whether answers differ by more than 2.0%"),
        # Less perplexing than the reference is no damage, and of other weights a difference.
        ((0.90, 0.92, 0.95), "no damage beyond 2.0%", "answers differ"),
        ((0.97, 0.99, 1.01), "no damage beyond 2.0%",
         "too few items to tell whether answers differ by more than 2.0%"),
    ],
)  # fmt: skip
def test_words_by_weights(limits: tuple[float, float, float], damage: str, difference: str) -> None:
    same = conclusion(found(*limits, same_weights=True), "q4", "f16")
    assert same.startswith(f"q4 against f16: {damage}: its answers are ")
    other = conclusion(found(*limits, same_weights=False), "q4", "f16")
    assert other.startswith(f"q4 against f16: {difference}: its answers are ")


def test_a_price_and_a_reason_are_told() -> None:
    one = found(1.046, 1.07, 1.097, same_weights=True)
    assert conclusion(one, "q4", "f16") == (
        "q4 against f16: damaged: its answers are 7.0% more perplexing than f16's (ratio 1.046 to "
        "1.097)"
    )
    assert conclusion(replace(one, loss=None, reason="no texts"), "q4", "f16") == (
        "q4 against f16: not compared, no texts"
    )
    assert "cannot" not in conclusion(one, "q4", "f16", margin=0.2)
    assert "no damage beyond 20%" in conclusion(one, "q4", "f16", margin=0.2)
