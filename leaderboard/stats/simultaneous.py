"""All pairs of candidates at once: how far apart two must lie before any is told from another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from leaderboard.stats.intervals import two_sided_z

Floats = npt.NDArray[np.float64]
LEVEL = 0.05
_ALL_PAIRS = 48
"""Candidates up to which every pair has its own standard error."""


def critical_z(noise: Floats, level: float = LEVEL) -> float:
    """Number of standard errors of their difference that two candidates must lie apart.

    Args:
        noise: shape (draws, m): means of m candidates, drawn with the errors that they share.
        level: chance that any pair of equal candidates is told apart.

    Returns:
        The 1 - level quantile of the studentised range: of the largest difference between two
        candidates, in standard errors of that difference, over the draws about their means. Of two
        candidates the normal quantile, 1.96.

    The leader was chosen by the same items, and is compared with all others: a test of one pair
    errs more often. Where candidates are many, their errors are taken as independent, which asks
    for more.
    Source: J. W. Tukey (1953); by resampling, P. H. Westfall & S. S. Young (1993), section 2.4.
    """
    m = noise.shape[1]
    plain = two_sided_z(1 - level)
    if m < 3:
        return plain
    errors = noise - noise.mean(axis=0)
    ranges = _pairwise(errors) if m <= _ALL_PAIRS else _independent(errors)
    return max(plain, float(np.quantile(ranges, 1 - level)))


def _pairwise(errors: Floats) -> Floats:
    """The largest studentised difference of each draw."""
    largest = np.zeros(len(errors))
    for i in range(errors.shape[1] - 1):
        apart = errors[:, i + 1 :] - errors[:, i : i + 1]
        spread = apart.std(axis=0)
        scaled = np.abs(apart) / np.where(spread > 0, spread, np.inf)
        np.maximum(largest, scaled.max(axis=1), out=largest)
    return largest


def _independent(errors: Floats) -> Floats:
    spread = errors.std(axis=0)
    scaled = errors / np.where(spread > 0, spread, np.inf)
    return np.asarray((scaled.max(axis=1) - scaled.min(axis=1)) / np.sqrt(2))
