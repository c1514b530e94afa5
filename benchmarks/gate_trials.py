"""The gate's rules, and those that others use, over thousands of trials at once (numpy).

`check_against_the_gate` holds them to `leaderboard`'s own code on random data.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from leaderboard.gate.evidence import accuracy_evidence, ratio_evidence
from leaderboard.gate.verdicts import Draft, Judged, judge_families
from leaderboard.stats.paired_means import mean_difference, paired_difference
from leaderboard.stats.run_ratios import detectable_beyond, paired_ratio, underestimate

ALPHA = 0.05
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One metric over many trials; every array has shape (trials,)."""

    p: Array
    loss: Array
    high: Array
    """Upper limit of the loss at one-sided alpha."""
    low: Array
    printed: Array
    """The smallest loss that the gate would print as detectable in such data."""
    margin: float


def times(d: Array, margin: float, level: float) -> Tested:
    """Paired t: `d` has shape (trials, pairs), log ratios with worse above 0."""
    n = d.shape[1]
    mean, stderr = d.mean(1), d.std(1, ddof=1) / np.sqrt(n)
    half = special.stdtrit(n - 1, 1 - ALPHA) * stderr
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(stderr > 0, special.stdtr(n - 1, -mean / stderr), mean <= 0)
    spread = stderr * underestimate(n - 1)
    some = np.maximum(spread, 1e-12)
    printed = np.where(spread > 0, detectable_beyond(some, margin, n - 1, level), margin)
    return Tested(p=p, loss=mean, low=mean - half, high=mean + half, printed=printed, margin=margin)


def accuracy(gained: Array, lost: Array, n: int, margin: float, level: float) -> Tested:
    """The mean over tasks of n items each; `gained` and `lost` have shape (trials, tasks)."""
    k = gained.shape[1]
    each = (lost - gained) / n
    low, high = _tango(gained, lost, n)
    loss = each.mean(1)
    below = np.sqrt(((each - low) ** 2).sum(1)) / k
    above = np.sqrt(((high - each) ** 2).sum(1)) / k
    flips = (gained + lost).sum(1)
    if k == 1:
        p = stats.binom.sf(lost[:, 0] - 1, flips, 0.5)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = np.where(loss > 0, np.maximum(0, loss - 1 / (k * n)), loss)
            p = np.where(flips > 0, special.ndtr(-corrected / (np.sqrt(flips) / (k * n))), 1.0)
    step = np.where(flips > 0, 1 / (k * n), 0)
    printed = _printed(flips / (k * n), k * n, step, margin, level)
    low, high = loss - below, loss + above
    return Tested(p=p, loss=loss, low=low, high=high, printed=printed, margin=margin)


def _printed(share: Array, items: int, step: Array, margin: float, level: float) -> Array:
    """`Flips.detectable` of leaderboard.gate.evidence."""
    z, reach = special.ndtri(1 - level), special.ndtri(0.8)
    low, high = np.zeros_like(share), np.ones_like(share)
    for _ in range(50):
        middle = (low + high) / 2
        moved = np.maximum(share, middle)
        needed = z * np.sqrt(moved) + reach * np.sqrt(np.maximum(0, moved - middle**2))
        seen = np.sqrt(items) * middle >= needed
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    beyond = np.full_like(share, margin)
    for _ in range(3):
        spread = np.sqrt(np.maximum(0, np.maximum(share, beyond) - beyond**2) / items)
        beyond = margin + reach * spread
    return np.minimum(1, np.maximum(beyond, high + step))


def _tango(gained: Array, lost: Array, n: int) -> tuple[Array, Array]:
    """Limits of the loss, lost minus gained over n: `score_interval` of stats/paired_counts.py."""
    z, estimate = special.ndtri(1 - ALPHA), (lost - gained) / n

    def score(x: Array) -> Array:
        b = (2 * n - lost + gained) * x - gained - lost
        c = -gained * x * (1 - x)
        share = (np.sqrt(np.maximum(0, b * b - 8 * n * c)) - b) / (4 * n)
        variance = n * (2 * share + x * (1 - x))
        distance = lost - gained - n * x
        with np.errstate(divide="ignore", invalid="ignore"):
            found = distance / np.sqrt(variance)
        flat = np.where(np.abs(distance) < 1e-12, 0.0, np.sign(distance) * np.inf)
        return np.where(variance > 0, found, flat)

    limits = []
    for bound, low, high in ((z, -np.ones_like(estimate), estimate), (-z, estimate, 1.0)):
        low, high = np.array(low, float), np.broadcast_to(high, estimate.shape).astype(float)
        for _ in range(50):
            middle = (low + high) / 2
            passed = score(middle) <= bound
            low, high = np.where(passed, low, middle), np.where(passed, middle, high)
        limits.append(high)
    return limits[0], limits[1]


def regressed(metrics: list[Tested]) -> Flags:
    """Shape (trials, metrics): the gate's rule, Holm over all of them."""
    p = np.stack([m.p for m in metrics], 1)
    order = np.argsort(p, 1)
    k = p.shape[1]
    stepped = np.maximum.accumulate(
        np.minimum(1, np.take_along_axis(p, order, 1) * (k - np.arange(k))), 1
    )
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, stepped, 1)
    told = np.stack([(m.low > 0) & (m.loss >= m.margin) for m in metrics], 1)
    return told & (adjusted <= ALPHA)


def passed(metrics: list[Tested]) -> Flags:
    """Shape (trials,): every metric's upper limit lies below its margin."""
    return np.stack([m.high < m.margin for m in metrics], 1).all(1)


# What people use now; each alarms where any metric does, shape (trials,).


def ratio_rule(base: Array, other: Array, factor: float = 1.10) -> Flags:
    """Means over runs: (trials, pairs, metrics) -> the other is more than 10 % above."""
    found: Flags = (other.mean(1) > factor * base.mean(1)).any(1)
    return found


def disjoint_intervals(base: Array, other: Array) -> Flags:
    """95 % t intervals of the two sides do not overlap."""
    n = base.shape[1]
    t = special.stdtrit(n - 1, 0.975) / np.sqrt(n)
    low = other.mean(1) - t * other.std(1, ddof=1)
    found: Flags = (low > base.mean(1) + t * base.std(1, ddof=1)).any(1)
    return found


def asv_rule(base: Array, other: Array, factor: float = 1.10) -> Flags:
    """asv's: raw requests pooled, medians apart by the factor, Mann-Whitney below 0.002.

    Args:
        base: shape (trials, requests, metrics): all requests of all runs.
        other: the same.
        factor: asv's default of `--factor`.

    Source: `is_different` in asv/_stats.py (p_threshold 0.002) of airspeed-velocity/asv; scipy
    corrects its normal approximation for ties and continuity, asv's does not.
    """
    far = np.median(other, 1) > factor * np.median(base, 1)
    p = stats.mannwhitneyu(base, other, axis=1, alternative="two-sided").pvalue
    found: Flags = (far & (p < 0.002)).any(1)
    return found


def unpaired_z(right_base: Array, right_other: Array, n: int) -> Flags:
    """lm-eval's model comparator: z of two independent scores, each task for itself.

    Args:
        right_base: shape (trials, tasks): items answered right.
        right_other: the same.
        n: items a task.
    """
    a, b = right_base / n, right_other / n
    stderr = np.sqrt((a * (1 - a) + b * (1 - b)) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(stderr > 0, (a - b) / stderr, 0)
    found: Flags = (z > special.ndtri(1 - ALPHA / 2)).any(1)  # its p is two-sided
    return found


def check_against_the_gate(rng: np.random.Generator, trials: int = 40) -> None:
    """Hold the arrays to the gate's own code.

    Raises:
        SystemExit: they differ.
    """
    k, n, pairs = 3, 60, 8
    shares = rng.dirichlet([1, 2, 9], size=(trials, k))
    counts = rng.multinomial(n, shares)
    gained, lost = counts[..., 0].astype(float), counts[..., 1].astype(float)
    d = rng.normal(0.08, 0.1, size=(trials, pairs, 2))
    d[0, :, 1] = 0.2  # the same in every pair
    level = ALPHA / 3
    ours = [accuracy(gained, lost, n, 0.01, level), *(times(d[..., i], 0.1, level) for i in (0, 1))]
    flags = regressed(ours)
    for trial in range(trials):
        tasks = []
        for task in range(k):
            g, m = int(gained[trial, task]), int(lost[trial, task])
            a = [0.0] * g + [1.0] * m + [1.0] * (n - g - m)
            b = [1.0] * g + [0.0] * m + [1.0] * (n - g - m)
            tasks.append(paired_difference(a, b, confidence=1 - 2 * ALPHA))
        whole = mean_difference(tasks, confidence=1 - 2 * ALPHA)
        evidence = [accuracy_evidence(whole, tasks, ALPHA)]
        for metric in (0, 1):
            ratio = paired_ratio([1.0] * pairs, list(np.exp(d[trial, :, metric])))
            evidence.append(ratio_evidence(ratio, ALPHA, more_is_better=False))
        drafts = [
            Draft(judged=_blank(m), evidence=one, margin=m.margin)
            for one, m in zip(evidence, ours, strict=True)
        ]
        judged = judge_families(drafts, ALPHA)
        for place, (one, m) in enumerate(zip(judged, ours, strict=True)):
            draft = evidence[place]
            same = (one.verdict == "regressed") == flags[trial, place]
            close = np.allclose(
                [draft.p, draft.loss, draft.interval.low, draft.interval.high,
                 draft.detectable(m.margin, level)],
                [m.p[trial], m.loss[trial], m.low[trial], m.high[trial], m.printed[trial]],
                rtol=1e-6, atol=1e-8,
            )  # fmt: skip
            if not (same and close):
                sys.exit(
                    f"trial {trial}, metric {place}: the arrays are not the gate: {draft}, {m}"
                )


def _blank(metric: Tested) -> Judged:
    return Judged(
        metric="accuracy", unit="points", severity="fail", verdict="cannot tell",
        margin=metric.margin, baseline=None, candidate=None,
    )  # fmt: skip
