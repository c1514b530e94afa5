"""Items on which two candidates disagree: are the flips lopsided, how far, what could be seen.

All of it rests on three counts: items gained, items lost, and all items.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from leaderboard.stats.intervals import Interval, binomial_tail, two_sided_z

POWER = 0.80
_HALVINGS = 60
"""Halvings of an interval no longer than 2, which leaves 2e-18: below what a float resolves."""


def mcnemar(gained: int, lost: int, *, mid_p: bool = False) -> float:
    """Exact McNemar test that changes either way are equally likely, two-sided.

    Args:
        gained: items wrong before and right after.
        lost: items right before and wrong after.
        mid_p: count the observed outcome half. Less conservative; it may pass its level by a
            hair, which is why a gate takes the exact one.

    Returns:
        The smaller tail of Binomial(gained + lost, 1/2), doubled, at most 1.

    Raises:
        ValueError: a count is negative.

    Source: Q. McNemar, Psychometrika 12 (1947) 153-157; mid-p: M. W. Fagerland, S. Lydersen &
    P. Laake, BMC Medical Research Methodology 13 (2013) 91.
    """
    if gained < 0 or lost < 0:
        raise ValueError(f"{gained} and {lost} are not counts")
    n, most = gained + lost, max(gained, lost)
    if n == 0:
        return 1.0
    tail = binomial_tail(most, n, 0.5)
    if mid_p:
        beyond = binomial_tail(most + 1, n, 0.5) if most < n else 0.0
        tail = (tail + beyond) / 2
    return min(1.0, 2 * tail)


def score_interval(gained: float, lost: float, n: float, confidence: float = 0.95) -> Interval:
    """Tango's score interval of the difference of two paired proportions.

    Args:
        gained: items that only the other gets right; a fraction after a design effect.
        lost: items that only the reference gets right.
        n: all items, more than 0.
        confidence: two-sided.

    Returns:
        Every difference that the score test does not reject. Without any flip it is
        ±z² / (n + z²), z the normal quantile: no difference on few items is not none on any.

    Raises:
        ValueError: the counts do not fit together.

    Source: T. Tango, Statistics in Medicine 17 (1998) 891-908.
    """
    if n <= 0 or gained < 0 or lost < 0 or gained + lost > n * (1 + 1e-9):
        raise ValueError(f"{gained} gained and {lost} lost of {n} are not paired counts")
    z = two_sided_z(confidence)
    estimate = min(1.0, max(-1.0, (gained - lost) / n))
    # The statistic falls as the assumed difference grows.
    low = _bisect(lambda x: _score(gained, lost, n, x) <= z, -1.0, estimate)
    high = _bisect(lambda x: _score(gained, lost, n, x) <= -z, estimate, 1.0)
    return Interval(low=low, high=high)


def _score(gained: float, lost: float, n: float, assumed: float) -> float:
    """Tango's statistic, with the share of `lost` at its maximum under the assumed difference."""
    a, b = 2 * n, (2 * n - gained + lost) * assumed - gained - lost
    c = -lost * assumed * (1 - assumed)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * share + assumed * (1 - assumed))
    distance = gained - lost - n * assumed
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def detectable_difference(
    n: float, discordance: float, *, alpha: float = 0.05, power: float = POWER
) -> float | None:
    """The smallest true difference that n items would show with the given probability.

    Args:
        n: items (divided by the design effect where they are clustered), more than 0.
        discordance: share of items on which the two differ, 0 to 1; for scores between right
            and wrong the mean squared difference.
        alpha: two-sided level of the test.
        power: probability of seeing it, above 0.5.

    Returns:
        The difference, 0 to 1; None where not even the greatest would be seen. Where it is
        larger than the discordance, all flips are taken to go one way.

    Raises:
        ValueError: there is no item, or the discordance is no share.

    Source: R. J. Connor, Biometrics 43 (1987) 207-211, solved for the difference:
    sqrt(n) δ = z(1 - alpha/2) sqrt(ψ) + z(power) sqrt(ψ - δ²).
    """
    if n <= 0 or not 0 <= discordance <= 1:
        raise ValueError(f"{n} items with a discordance of {discordance}")
    level, wanted = two_sided_z(1 - alpha), NormalDist().inv_cdf(power)

    def seen(difference: float) -> bool:
        share = max(discordance, difference)
        needed = level * math.sqrt(share) + wanted * math.sqrt(share - difference**2)
        return math.sqrt(n) * difference >= needed

    return _bisect(seen, 0.0, 1.0) if seen(1.0) else None


def _bisect(passed: Callable[[float], bool], low: float, high: float) -> float:
    """The point where `passed` turns from False to True between two; `high` where it never does."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if passed(middle):
            high = middle
        else:
            low = middle
    return high
