"""Group-sequential boundaries for all pairs of candidates.

Data are looked at while they grow; the boundaries say how far apart two candidates must lie at each
look, so that all looks and all pairs together err no more often than a single look would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from leaderboard.stats.intervals import two_sided_z, z_beyond

Floats = npt.NDArray[np.float64]
LEVEL = 0.05
SMALLEST = 1e-12
"""Least level of an interval: that of a look which may spend less, or nothing."""
PATHS = 100_000
"""Simulated comparisons without a difference: an error of 5 % is known to 0.1 points."""
SEED = 20260101
FEWEST = 25
"""Paths beyond a critical value from which on it is read from them; below, a bound is taken."""
_NORMAL = NormalDist()
_CHUNK = 2**21
"""Positions that are simulated at once: 16 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the data."""

    information: float
    """1 / variance of a difference between two candidates, in any unit that all looks share."""
    spent: float
    """Chance of a false difference that may be used up until here, 0 to the level."""


def spent(share: float, level: float = LEVEL) -> float:
    """Chance of a false difference that may be used up when a share of the time is over.

    Args:
        share: of the time that was given, 0 to 1; at the last look 1, however early it comes.
        level: for the whole comparison.

    Returns:
        4 - 4 Φ(z(1 - level/4) / √share), half of it either way: little at first, so that an early
        end needs a clear difference, and the last look is hardly worse than a single one.

    Sources: P. C. O'Brien & T. R. Fleming, Biometrics 35 (1979) 549-556, as a spending function by
    K. K. G. Lan & D. L. DeMets, Biometrika 70 (1983) 659-663; by the clock instead of by items in
    Statistics in Medicine 8 (1989) 1191-1198.
    """
    if share <= 0:
        return 0.0
    return 2 * two_sided_p(two_sided_z(1 - level / 2) / math.sqrt(min(share, 1.0)))


def two_sided_p(z: float) -> float:
    """Chance that a standard normal number lies further from 0 than z, exact to the last digits."""
    return math.erfc(abs(z) / math.sqrt(2))


def level_at(z: float) -> float:
    """Level of one pair's test and interval where two must lie z standard errors apart.

    Returns:
        2 Φ(-z), from SMALLEST to LEVEL: an early look may spend less than an interval can be told
        from certainty with.
    """
    return min(LEVEL, max(SMALLEST, two_sided_p(z)))


def critical_values(looks: Sequence[Look], candidates: int) -> list[float]:
    """Standard errors of their difference that two candidates must lie apart, look by look.

    Args:
        looks: in order; information and what may be spent never fall.
        candidates: that the comparison began with, at least 2; those that left count on.

    Returns:
        A number a look, the same for all pairs: equal candidates ever lie further apart with the
        chance that is spent. Without any chance to spend it is infinite.

    The largest studentised difference of m candidates follows, look by look, the range of m
    independent Brownian motions / √2 (J. W. Tukey, 1953; for unequal errors it asks for more:
    A. J. Hayter, Annals of Statistics 12 (1984) 61-75). Its path is simulated with a fixed seed,
    and at each look the value is taken that as many of the paths exceed for the first time as the
    look may spend (Lan & DeMets 1983). Where these are too few to be counted, the union bound over
    pairs is taken, which asks for more.
    """
    left = np.ones(PATHS, dtype=bool)
    pairs = candidates * (candidates - 1) / 2
    before = 0.0
    found = []
    ranges = _ranges([look.information for look in looks], candidates)
    for look, values in zip(looks, ranges, strict=True):
        chance = look.spent - before
        apart = values / math.sqrt(2 * look.information)
        value = _exceeded_by(apart[left], chance)
        if value is None:
            value = z_beyond(chance / pairs)
        left &= apart <= value
        found.append(value)
        before = max(before, look.spent)
    return found


def _exceeded_by(values: Floats, chance: float) -> float | None:
    """The value that so many of all paths exceed; None where they are too few to be counted."""
    count = round(chance * PATHS)
    if count < FEWEST or count > len(values):
        return None
    return float(np.partition(values, len(values) - count - 1)[len(values) - count - 1])


def _ranges(information: Sequence[float], candidates: int) -> Floats:
    """Ranges of independent Brownian motions when their variance is `information`.

    Returns:
        Shape (looks, paths).
    """
    rng = np.random.default_rng(SEED)
    steps = np.sqrt(np.maximum(0.0, np.diff([0.0, *information])))
    found = np.empty((len(information), PATHS))
    size = max(1, _CHUNK // candidates)
    for start in range(0, PATHS, size):
        stop = min(PATHS, start + size)
        at = np.zeros((stop - start, candidates))
        for number, step in enumerate(steps):
            at += step * rng.standard_normal(at.shape)
            found[number, start:stop] = at.max(axis=1) - at.min(axis=1)
    return found
