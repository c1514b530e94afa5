"""The paired difference of two candidates' accuracies over the same items.

An item that both get right says nothing of which is better, so the noise of the difference is
that of the items on which they disagree, and much smaller than two separate intervals suggest.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from leaderboard.stats.intervals import Interval, two_sided_z
from leaderboard.stats.paired_counts import POWER, detectable_difference, mcnemar, score_interval

Floats = npt.NDArray[np.float64]
SCORE = "score interval of paired proportions"
STUDENT = "Student's t over items"
SQUARE_AND_ADD = "square-and-add over tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The other's mean score minus the reference's, over the same items."""

    difference: float
    stderr: float | None
    """Clustered where items share a passage; None where nothing is known of the spread."""
    null_stderr: float
    """Standard error if neither were better, clustered as `stderr` is; 0 where no item differs."""
    interval: Interval
    n: int
    clusters: int
    """Independent groups of items; n where no two belong together."""
    gained: int
    """Items that the other scores higher."""
    lost: int
    """Items that the other scores lower."""
    p: float
    """Two-sided test of no difference. Independent items of one task: the exact McNemar test of
    gained against lost (a sign test where scores are more than right and wrong). Clusters, and the
    mean over tasks: each item that differs may as well have gone the other way, which gives the
    mean the variance `null_stderr` squared; a normal test, with a continuity correction of one
    flip (A. L. Edwards, Psychometrika 13 (1948) 185-187)."""
    detectable: float | None
    """Smallest true difference, either way, that data like this shows with 80 % probability."""
    method: str
    """Name of the method of the interval."""
    step: float
    """Change of the difference by one item, with those that flip together with it."""


def paired_difference(
    reference: Sequence[float] | Floats,
    other: Sequence[float] | Floats,
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> PairedDifference:
    """The paired difference of two means over items.

    Args:
        reference: shape (n,), n >= 1: one score an item, 0 to 1.
        other: shape (n,): the same items in the same order.
        clusters: shape (n,): what an item shares with others, e.g. its passage; None: nothing.
        confidence: two-sided, of the interval; 1 - confidence is the level of what is detectable.

    Returns:
        Scores that are right or wrong get Tango's score interval, with counts divided by the
        design effect where items are clustered; others get Student's t over clusters.

    Raises:
        ValueError: no items, lengths differ, or a score is not between 0 and 1.

    Source of the division: J. N. K. Rao & A. J. Scott, Biometrics 48 (1992) 577-585.
    """
    a, b = _scores(reference), _scores(other)
    if not len(a) or len(a) != len(b) or (clusters is not None and len(clusters) != len(a)):
        raise ValueError(f"{len(a)} and {len(b)} scores are not those of the same items")
    d = b - a
    n, mean = len(d), math.fsum(d) / len(d)
    groups, effect, stderr = _spread(d, mean, range(n) if clusters is None else clusters)
    gained, lost = int((d > 0).sum()), int((d < 0).sum())
    binary = bool(np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all())
    if binary or not gained + lost or stderr is None:
        # Without a spread to estimate, what the number of items allows, and not nothing.
        interval = score_interval(gained / effect, lost / effect, n / effect, confidence)
    else:
        half = _student(groups - 1, confidence) * stderr
        interval = Interval(low=max(-1.0, mean - half), high=min(1.0, mean + half))
    discordance = min(1.0, math.fsum(d**2) / n)
    null_stderr, step = math.sqrt(math.fsum(d**2) * effect) / n, effect / n
    alone = math.isclose(effect, 1.0)
    return PairedDifference(
        difference=mean,
        stderr=stderr,
        null_stderr=null_stderr,
        interval=interval,
        n=n,
        clusters=groups,
        gained=gained,
        lost=lost,
        p=mcnemar(gained, lost) if alone else _flip_test(mean, null_stderr, step),
        detectable=detectable_difference(n / effect, discordance, alpha=1 - confidence),
        method=SCORE if binary else STUDENT,
        step=step,
    )


def mean_difference(
    tasks: Sequence[PairedDifference],
    *,
    weights: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> PairedDifference:
    """The mean over tasks that share no items, each counting the same or by its weight.

    Args:
        tasks: shape (k,), k >= 1.
        weights: shape (k,), not negative, of a positive sum; None: all alike.
        confidence: of the tasks' intervals, and so of the result's.

    Returns:
        Flips are those of all items together, of which a large task has more: they may point
        elsewhere than the mean, in which it counts no more than a small one. The interval is the
        more careful of the two over tasks of few items, the test the sharper.

    Raises:
        ValueError: there is no task, or the weights do not fit.

    Source: limits by square-and-add, as G. Y. Zou & A. Donner (Statistics in Medicine 27 (2008)
    1693-1702) extend method 10 of R. G. Newcombe: the distances of the limits add as squares.
    """
    shares = _shares(len(tasks), weights)
    if len(tasks) == 1:
        return tasks[0]
    weighed = list(zip(shares, tasks, strict=True))
    mean = math.fsum(w * t.difference for w, t in weighed)
    below = math.hypot(*(w * (t.difference - t.interval.low) for w, t in weighed))
    above = math.hypot(*(w * (t.interval.high - t.difference) for w, t in weighed))
    errors = [w * t.stderr for w, t in weighed if t.stderr is not None]
    z = two_sided_z(confidence)
    detectable = max(below, above) / z * (z + NormalDist().inv_cdf(POWER))
    null_stderr = math.hypot(*(w * t.null_stderr for w, t in weighed))
    step = min((w * t.step for w, t in weighed if w * t.null_stderr), default=0.0)
    return PairedDifference(
        difference=mean,
        stderr=math.hypot(*errors) if len(errors) == len(tasks) else None,
        null_stderr=null_stderr,
        interval=Interval(low=max(-1.0, mean - below), high=min(1.0, mean + above)),
        n=sum(t.n for t in tasks),
        clusters=sum(t.clusters for t in tasks),
        gained=sum(t.gained for t in tasks),
        lost=sum(t.lost for t in tasks),
        p=_flip_test(mean, null_stderr, step),
        detectable=detectable if detectable <= 1 else None,
        method=SQUARE_AND_ADD,
        step=step,
    )


def differs(found: PairedDifference, alpha: float = 0.05) -> bool:
    """Test whether two candidates differ: the one rule of Compare and of the board's ties."""
    return found.p <= alpha


def _flip_test(difference: float, null_stderr: float, step: float) -> float:
    if not null_stderr:
        return 1.0
    beyond = max(0.0, abs(difference) - step) / null_stderr
    return min(1.0, 2 * NormalDist().cdf(-beyond))


def _scores(values: Sequence[float] | Floats) -> Floats:
    scores = np.asarray(values, dtype=np.float64)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a score is not between 0 and 1")
    return scores


def _spread(
    d: Floats, mean: float, clusters: Sequence[Hashable]
) -> tuple[int, float, float | None]:
    """Clusters, design effect (at least 1) and clustered standard error of the mean of d.

    G / (G - 1) / n² times the sum of squared cluster sums of residuals: K.-Y. Liang & S. L. Zeger,
    Biometrika 73 (1986) 13-22, with the correction for few clusters that makes it s / sqrt(n)
    where every item is its own. The effect never lets clustering narrow an interval.
    """
    n = len(d)
    number = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    member = np.array([number[name] for name in clusters])
    groups = len(number)
    residual = d - mean
    plain = math.fsum(residual**2) / max(n - 1, 1) / n
    if groups < 2 or plain == 0:
        # Nothing to estimate it from: as if the items of a cluster always went together.
        effect = float((np.bincount(member) ** 2).sum() / n)
        return groups, effect, None if groups < 2 else 0.0
    sums = np.bincount(member, weights=residual)
    clustered = math.fsum(sums**2) * groups / (groups - 1) / n**2
    effect = max(1.0, clustered / plain) if groups < n else 1.0
    return groups, effect, math.sqrt(plain * effect)


def _shares(k: int, weights: Sequence[float] | None) -> list[float]:
    given = [1.0] * k if weights is None else list(weights)
    total = math.fsum(given)
    if not k or len(given) != k or not (min(given) >= 0 and 0 < total < math.inf):
        raise ValueError(f"weights {given} do not fit {k} tasks")
    return [weight / total for weight in given]


def _student(freedom: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
