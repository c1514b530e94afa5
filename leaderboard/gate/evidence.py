"""Evidence for one possible loss: estimate, interval, p value, and detectable loss.

A loss is positive where the candidate is worse. Accuracy's is in points of the score (0.01 is one
point); that of times, sizes and perplexities is the logarithm of the ratio, worse over better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from leaderboard.stats.intervals import Interval, binomial_tail
from leaderboard.stats.likelihoods import LikelihoodDifference
from leaderboard.stats.paired_counts import POWER, detectable_difference
from leaderboard.stats.paired_means import SCORE, PairedDifference
from leaderboard.stats.run_ratios import RunRatio, detectable_beyond, underestimate

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Number of items that could differ, and the share that did."""

    items: float
    """All of them; of a mean over tasks as many as would give one task its precision."""
    discordance: float
    """Share of these that differ, times the design effect of clusters."""
    step: float
    """Change of the mean by one item, which the test takes off the loss."""

    def detectable(self, margin: float, alpha: float, power: float) -> float:
        """The smallest detectable loss, see `Evidence.detectable`: Connor's formula, and the margin
        with the spread above it.
        """
        told = detectable_difference(self.items, self.discordance, alpha=2 * alpha, power=power)
        beyond = margin
        for _ in range(3):  # a loss cannot be larger than the share of items that differ
            share = max(self.discordance, beyond)
            spread = math.sqrt(max(0.0, share - beyond**2) / self.items)
            beyond = margin + _NORMAL.inv_cdf(power) * spread
        return min(1.0, max(beyond, 1.0 if told is None else told + self.step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One loss as it was measured."""

    loss: float
    interval: Interval
    """Two-sided at 1 - 2 alpha, so that each of its ends is a test at alpha."""
    p: float
    """One-sided, of no loss: small where the candidate is worse."""
    stderr: float
    """Standard error of the estimate, as wide as the interval."""
    freedom: float
    """Degrees of freedom of Student's t; infinite where the normal distribution judges."""
    flips: Flips | None = None
    """Flips of right and wrong answers; None for times and sizes."""

    def detectable(self, margin: float, alpha: float, power: float = POWER) -> float:
        """The smallest true loss that data like these call a regression with this probability.

        Args:
            margin: the largest acceptable loss.
            alpha: one-sided level of this test, after the correction for its family.
            power: above 0.5.

        A regression is both told from no loss and estimated at the margin or above.
        """
        if self.flips is not None:
            return self.flips.detectable(margin, alpha, power)
        stderr = self.stderr * underestimate(self.freedom)
        if not stderr or math.isinf(margin):
            return margin
        if math.isinf(self.freedom):  # both conditions are one: the larger bound decides
            told = _NORMAL.inv_cdf(1 - alpha) * stderr
            return max(margin, told) + _NORMAL.inv_cdf(power) * stderr
        return float(detectable_beyond(stderr, margin, self.freedom, alpha, power))


def accuracy_evidence(
    paired: PairedDifference, tasks: Sequence[PairedDifference], alpha: float
) -> Evidence:
    """The loss of accuracy over items that both answered.

    Args:
        paired: the comparison, candidate minus baseline, with an interval at 1 - 2 alpha.
        tasks: what it is the mean of, each counting the same; itself where it is one task.
        alpha: one-sided.

    One task of right and wrong answers is tested by McNemar's exact test. Otherwise each item that
    differs may as well have gone the other way, were neither candidate better: that gives the mean
    a variance without any estimate of its size, and a normal test with a continuity correction of
    one flip (A. L. Edwards, Psychometrika 13 (1948) 185-187; by strata and with clusters'
    design effects as in `paired`).
    """
    loss = 0.0 - paired.difference
    interval = Interval(low=0.0 - paired.interval.high, high=0.0 - paired.interval.low)
    # Items of one passage flip together, as many at once as the design effect says.
    step = min((_design_effect(t) / (len(tasks) * t.n) for t in tasks if t.null_stderr), default=0)
    exact = paired.method == SCORE and math.isclose(_design_effect(paired), 1.0)
    if exact:
        p = binomial_tail(paired.lost, paired.gained + paired.lost, 0.5)
    else:
        p = _flip_test(loss, paired.null_stderr, step)
    items = len(tasks) ** 2 / math.fsum(1 / t.n for t in tasks)
    return Evidence(
        loss=loss,
        interval=interval,
        p=p,
        stderr=max(interval.high - loss, loss - interval.low) / _NORMAL.inv_cdf(1 - alpha),
        freedom=math.inf,
        flips=Flips(items=items, discordance=min(1.0, paired.null_stderr**2 * items), step=step),
    )


def ratio_evidence(ratio: RunRatio, alpha: float, *, more_is_better: bool) -> Evidence:
    """The loss of a time, a rate or a size over runs.

    Raises:
        ValueError: there is no interval, because a side has a single run.
    """
    if ratio.log_stderr is None:
        raise ValueError("a single run on a side is no evidence")
    loss = 0.0 - math.log(ratio.ratio) if more_is_better else math.log(ratio.ratio)
    stderr, freedom = ratio.log_stderr, ratio.freedom
    half = stderr * _quantile(1 - alpha, freedom)
    return Evidence(
        loss=loss,
        interval=Interval(low=loss - half, high=loss + half),
        p=_student_tail(loss / stderr, freedom) if stderr else float(loss <= 0),
        stderr=stderr,
        freedom=freedom,
    )


def likelihood_evidence(found: LikelihoodDifference) -> Evidence:
    """The loss of log-likelihood a unit: the logarithm of the ratio of two perplexities.

    Raises:
        ValueError: there is no interval, because there are too few documents.
    """
    if found.interval is None or found.stderr is None:
        raise ValueError(f"{found.clusters} documents are no evidence")
    return Evidence(
        loss=found.loss,
        interval=found.interval,
        p=found.p,
        stderr=found.stderr,
        freedom=found.clusters - 1,
    )


def _design_effect(task: PairedDifference) -> float:
    """Factor by which clusters widen a task's variance; 1 where nothing differs."""
    flips = task.gained + task.lost
    return (task.null_stderr * task.n) ** 2 / flips if flips else 1.0


def _flip_test(loss: float, stderr: float, step: float) -> float:
    if not stderr:
        return 1.0
    corrected = max(0.0, loss - step) if loss > 0 else loss
    return 1 - _NORMAL.cdf(corrected / stderr)


def _quantile(probability: float, freedom: float) -> float:
    if math.isinf(freedom):
        return _NORMAL.inv_cdf(probability)
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def _student_tail(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, -t))
