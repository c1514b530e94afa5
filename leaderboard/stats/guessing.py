"""Guessing beside scores: its level, what lies below it, and scores counted from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from leaderboard.stats.corrections import holm
from leaderboard.stats.intervals import CHANCE_LEVEL, Interval, binomial_tail

MEAN = "the mean"
"""Name of the mean over all tasks among the names of tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A task's or a group's score with what guessing would give."""

    name: str
    value: float
    interval: Interval
    """95 %, over items."""
    chance: float
    """0 where there are no choices to guess among."""
    n: int
    """Independent items: n / design effect."""


def level(parts: Sequence[Part], weights: Sequence[float] | None = None) -> float | None:
    """The mean that guessing would score, weighted as the accuracy is.

    Args:
        parts: shape (k,).
        weights: as many; None: each counts the same.

    Returns:
        None where no part that counts has choices, or no weight is above 0.
    """
    given = [1.0] * len(parts) if weights is None else list(weights)
    total = math.fsum(given)
    choices = [part.chance and w > 0 for w, part in zip(given, parts, strict=True)]
    if total <= 0 or not any(choices):
        return None
    return math.fsum(w * part.chance for w, part in zip(given, parts, strict=True)) / total


def normalised(parts: Sequence[Part]) -> tuple[float, Interval] | None:
    """Scores counted from guessing, 0, to everything right, 1, and averaged over the parts.

    Args:
        parts: shape (k,).

    Returns:
        Mean of (value - chance) / (1 - chance), which is below 0 below guessing, and its 95 %
        interval by square-and-add. A two-choice task has twice the noise here, so this tells
        candidates apart less well than the plain mean. None without parts, or where a chance is 1.

    Source: the normalisation of Open LLM Leaderboard 2.
    """
    if not parts or any(part.chance >= 1 for part in parts):
        return None

    def from_chance(share: float, part: Part) -> float:
        return (share - part.chance) / (1 - part.chance)

    values = [from_chance(part.value, part) for part in parts]
    limits = [
        Interval(low=from_chance(p.interval.low, p), high=from_chance(p.interval.high, p))
        for p in parts
    ]
    k = len(parts)
    mean = math.fsum(values) / k
    pairs = list(zip(values, limits, strict=True))
    low = mean - math.hypot(*(value - limit.low for value, limit in pairs)) / k
    high = mean + math.hypot(*(limit.high - value for value, limit in pairs)) / k
    return mean, Interval(low=low, high=min(1.0, high))


def below(parts: Sequence[Part]) -> tuple[str, ...]:
    """Scores significantly below guessing, which show a bias of form and no lack of ability.

    Args:
        parts: shape (k,).

    Returns:
        Names, and MEAN for the mean over several parts, whose p value is at most 5 % after Holm's
        correction over all of them: so one candidate in twenty that guesses is named at most. Each
        part by the one-sided exact binomial test, the mean by the score test, whose variance is
        that of guessing, sum of chance (1 - chance) / n over k².
    """
    guessed = [part for part in parts if 0 < part.chance < 1]
    tests = [(part.name, _exact(part)) for part in guessed]
    if len(parts) > 1 and guessed:
        tests.append((MEAN, _of_mean(parts)))
    adjusted = holm([p for _, p in tests]) if tests else []
    return tuple(name for (name, _), p in zip(tests, adjusted, strict=True) if p <= CHANCE_LEVEL)


def _exact(part: Part) -> float:
    """P(X <= right) for X ~ Binomial(n, chance)."""
    right = round(part.value * part.n)
    return 1.0 if right >= part.n else 1.0 - binomial_tail(right + 1, part.n, part.chance)


def _of_mean(parts: Sequence[Part]) -> float:
    excess = math.fsum(part.value - part.chance for part in parts)
    variance = math.fsum(part.chance * (1 - part.chance) / part.n for part in parts)
    return NormalDist().cdf(excess / math.sqrt(variance)) if variance > 0 else 1.0
