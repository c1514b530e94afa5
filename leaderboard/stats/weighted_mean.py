"""A weighted mean of independent scores, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leaderboard.stats.intervals import Interval


def weighted_mean(
    parts: Sequence[tuple[float, Interval]], weights: Sequence[float]
) -> tuple[float, Interval] | None:
    """The weighted mean of independent scores with its interval, by square-and-add.

    Args:
        parts: shape (k,): (score, its interval) of each, all of one confidence.
        weights: shape (k,), not negative.

    Returns:
        None where the weights add up to 0. The limits' weighted distances from the scores add as
        squares, and are not cut to what a share can be.

    Source: G. Y. Zou & A. Donner, Statistics in Medicine 27 (2008) 1693-1702.
    """
    total = math.fsum(weights)
    if total <= 0:
        return None
    shares = [
        (weight / total, value, limits)
        for weight, (value, limits) in zip(weights, parts, strict=True)
    ]
    mean = math.fsum(w * value for w, value, _ in shares)
    below = math.hypot(*(w * (value - limits.low) for w, value, limits in shares))
    above = math.hypot(*(w * (limits.high - value) for w, value, limits in shares))
    return mean, Interval(low=mean - below, high=mean + above)
