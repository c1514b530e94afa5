"""Intervals and averages of scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANCE_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval, in the unit of what it is about."""

    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width: what stands after a ±."""
        return (self.high - self.low) / 2

    def within(self, least: float, most: float = math.inf) -> Interval:
        """The part of it that can be: no share is below 0 or above 1, no time or size below 0."""
        if least <= self.low and self.high <= most:
            return self
        low, high = max(least, self.low), min(most, self.high)
        return CutInterval(low=low, high=high, whole=self.half)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutInterval(Interval):
    """The part of an interval that can be, e.g. of 2 % ± 5 what is not below 0."""

    whole: float
    """Half the width of all of it: the estimate is as unsure as before."""

    @property
    def half(self) -> float:
        """Half the width of all of it."""
        return self.whole


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion, without continuity correction.

    Args:
        successes: 0 to n.
        n: trials, at least 1.
        confidence: two-sided, between 0 and 1.

    Raises:
        ValueError: the counts are not those of a proportion.

    Source: E. B. Wilson, JASA 22 (1927) 209-212; method 3 of R. G. Newcombe, Statistics in
    Medicine 17 (1998) 857-872.
    """
    _check_counts(successes, n)
    return _wilson(successes / n, n, confidence)


def normal(mean: float, stderr: float, confidence: float = 0.95) -> Interval:
    """The interval of the central limit theorem: mean ± z · stderr, whatever can be."""
    half = two_sided_z(confidence) * stderr
    return Interval(low=mean - half, high=mean + half)


def proportion_interval(
    value: float,
    stderr: float | None,
    n: int,
    confidence: float = 0.95,
    *,
    design_effect: float = 1.0,
) -> Interval:
    """The interval of a score between 0 and 1 that is a mean over items.

    Args:
        value: the score, 0 to 1.
        stderr: its standard error, clustering included.
        n: items, at least 1.
        confidence: two-sided.
        design_effect: by how much clustering widens the variance; below 1 counts as 1.

    Returns:
        Wilson's over n / design effect items where items are right or wrong, as their standard
        error shows, and where it is missing or 0. Scores in between get Student's t. Both lie
        within 0 and 1.

    Raises:
        ValueError: `value` is not between 0 and 1, or there is no item.

    Source of the division: J. N. K. Rao & A. J. Scott, Biometrics 48 (1992) 577-585.
    """
    if n < 1 or not 0 <= value <= 1:
        raise ValueError(f"a score of {value} over {n} items is not a proportion")
    effective = n / max(1.0, design_effect)
    if not stderr or effective <= 1 or right_or_wrong(value, stderr, n, design_effect):
        return _wilson(value, effective, confidence)
    half = _student(effective - 1, confidence) * stderr
    return Interval(low=value - half, high=value + half).within(0.0, 1.0)


def right_or_wrong(value: float, stderr: float, n: int, design_effect: float = 1.0) -> bool:
    """True where items score 0 or 1 alone: the variance is then value · (1 - value) / (n - 1).

    Any score between 0 and 1 makes it smaller; clustering multiplies it by the design effect.
    """
    variance = value * (1 - value) / max(n - 1, 1)
    return math.isclose(stderr**2, variance * design_effect, rel_tol=1e-6)


def mean_stderr(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and its standard error, s / sqrt(n) with the sample standard deviation s (n - 1).

    Args:
        values: shape (n,), n >= 1: one score an item.

    Returns:
        The standard error is None for one value, which says nothing of its spread.

    Raises:
        ValueError: there is no value.

    Source: `mean_stderr` of lm-eval 0.4.13 (`lm_eval/api/metrics.py`).
    """
    if not values:
        raise ValueError("no values to average")
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    squares = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(squares / (n - 1) / n)


def mean_interval(
    values: Sequence[float], confidence: float = 0.95
) -> tuple[float, Interval | None]:
    """Mean of independent runs, and Student's t interval for it.

    Args:
        values: shape (n,), n >= 1: one number a run, a time, a rate or a size: none is negative.
        confidence: two-sided.

    Returns:
        The interval is None for one run, which says nothing of the next. It is cut at 0.

    Source: Student (1908); mean ± t(n - 1) s / sqrt(n).
    """
    mean, stderr = mean_stderr(values)
    if stderr is None:
        return mean, None
    half = _student(len(values) - 1, confidence) * stderr
    return mean, Interval(low=mean - half, high=mean + half).within(0.0)


def combined(tasks: Sequence[tuple[float, float | None]]) -> tuple[float, float | None]:
    """The unweighted mean of independent tasks' scores.

    Args:
        tasks: shape (k,), k >= 1: (mean, standard error) of each. They must share no items.

    Returns:
        Mean, and sqrt(sum of squared standard errors) / k; None for that when a task lacks its own.

    Raises:
        ValueError: there is no task.

    Each task counts the same whatever its size, unlike a mean over all items. Variances of
    independent quantities add.
    """
    if not tasks:
        raise ValueError("no tasks to combine")
    k = len(tasks)
    mean = math.fsum(mean for mean, _ in tasks) / k
    known = [stderr for _, stderr in tasks if stderr is not None]
    if len(known) < k:
        return mean, None
    return mean, math.sqrt(math.fsum(stderr**2 for stderr in known)) / k


def combined_interval(tasks: Sequence[tuple[float, Interval]]) -> Interval:
    """The interval of the unweighted mean of independent tasks' scores, by square-and-add.

    Args:
        tasks: shape (k,), k >= 1: (score, its interval) of each, all of one confidence.

    Returns:
        The distances of the limits from the scores, added as squares and divided by k; each task
        keeps its own lopsidedness, and one whose items all agree its width.

    Raises:
        ValueError: there is no task.

    Source: G. Y. Zou & A. Donner, Statistics in Medicine 27 (2008) 1693-1702, after method 10 of
    R. G. Newcombe (1998).
    """
    if not tasks:
        raise ValueError("no tasks to combine")
    k = len(tasks)
    mean = math.fsum(value for value, _ in tasks) / k
    below = math.hypot(*(value - limits.low for value, limits in tasks)) / k
    above = math.hypot(*(limits.high - value for value, limits in tasks)) / k
    return Interval(low=mean - below, high=mean + above).within(0.0, 1.0)


def above_chance(successes: int, n: int, chance: float) -> bool:
    """Test whether a score is better than guessing: one-sided exact binomial test at 5 %.

    Args:
        successes: items answered right, 0 to n.
        n: items, at least 1.
        chance: probability of guessing an item right, e.g. 1 / number of choices; the mean over
            items where they differ.

    Returns:
        True when guessing would score this or better in at most 5 % of cases. On few items no
        score may reach that: False means "not told from chance", not "at chance".

    Raises:
        ValueError: the counts are not those of a proportion, or chance is not a probability.
    """
    _check_counts(successes, n)
    if not 0 <= chance <= 1:
        raise ValueError(f"a chance of {chance} is not a probability")
    return binomial_tail(successes, n, chance) <= CHANCE_LEVEL


def binomial_tail(successes: int, n: int, p: float) -> float:
    """P(X >= successes) for X ~ Binomial(n, p).

    By the regularised incomplete beta function, I_p(successes, n - successes + 1); source: NIST
    Digital Library of Mathematical Functions, 8.17.5. A board of thousands of runs asks for
    thousands of these.
    """
    if successes == 0:
        return 1.0
    from scipy.special import betainc

    return float(betainc(successes, n - successes + 1, p))


def _wilson(share: float, n: float, confidence: float) -> Interval:
    z2 = two_sided_z(confidence) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At 0 and n the limit is exactly 0 or 1, and the difference above only nearly so.
    return Interval(
        low=max(0.0, centre - half) if share > 0 else 0.0,
        high=min(1.0, centre + half) if share < 1 else 1.0,
    )


def _student(freedom: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def two_sided_z(confidence: float) -> float:
    """The normal quantile that a two-sided interval of this confidence reaches to: 1.96 of 0.95.

    Raises:
        ValueError: the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is not between 0 and 1")
    upper = (1 + confidence) / 2
    if upper == 1:  # the last number below 1 has no other between itself and 1
        return z_beyond(1 - confidence)
    return NormalDist().inv_cdf(upper)


def z_beyond(chance: float) -> float:
    """The z beyond which a standard normal number lies, on either side, with this chance.

    By its small tail: 1 minus a chance below 1e-16 would be 1. Infinite of no chance.
    """
    tail = chance / 2
    return -NormalDist().inv_cdf(tail) if tail > 0 else math.inf


def _check_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are not a proportion")
