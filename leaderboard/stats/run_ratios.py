"""Ratios of times and sizes between two candidates; the unit is the process run.

Logarithms, because a machine that is slow for a while is slow by a factor, and because the ratio
of B to A is then exactly the inverse of that of A to B.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboard.stats.intervals import Interval, mean_stderr
from leaderboard.stats.paired_counts import POWER

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_HALVINGS = 60
_SPREADS = 100
"""Equally likely spreads of a sample, over which a power is averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRatio:
    """The other's value over the reference's: a ratio of geometric means over runs."""

    ratio: float
    interval: Interval | None
    """95 % interval; None where one side has a single run, which says nothing of the next."""
    p: float | None
    """Two-sided, of a ratio of 1; None with the interval."""
    log_stderr: float | None
    """Standard error of the ratio's logarithm; None with the interval."""
    freedom: float
    """Degrees of freedom of Student's t that judges it."""
    paired: bool
    """True where runs of one round of one batch were compared with each other."""
    reference_runs: int
    other_runs: int
    """Equal where paired."""
    detectable: float | None
    """Smallest true ratio above 1 that runs like these show with 80 % probability."""


def paired_ratio(
    reference: Sequence[float],
    other: Sequence[float],
    *,
    confidence: float = 0.95,
    power: float = POWER,
) -> RunRatio:
    """Paired t on the logarithms of process runs.

    Args:
        reference: shape (n,), n >= 1: one value a run, above 0, in any unit.
        other: shape (n,): same unit; the i-th was run beside the reference's i-th.
        confidence: two-sided.
        power: of what is detectable.

    Returns:
        Where the ratio is the same in every pair its interval has no width: as for a number of
        bytes that does not vary.

    Raises:
        ValueError: no runs, lengths differ, or a value is not above 0.

    Source: Student (1908) on d = log(other / reference); power by the noncentral t distribution.
    """
    if len(reference) != len(other):
        raise ValueError(f"{len(reference)} and {len(other)} runs are no pairs")
    a, b = _logs(reference), _logs(other)
    mean, stderr = mean_stderr([y - x for x, y in zip(a, b, strict=True)])
    freedom = len(a) - 1.0
    return _ratio(mean, stderr, freedom, (len(a), len(b)), True, confidence, power)


def unpaired_ratio(
    reference: Sequence[float],
    other: Sequence[float],
    *,
    confidence: float = 0.95,
    power: float = POWER,
) -> RunRatio:
    """Welch's t on the logarithms of process runs that were not run side by side.

    Args:
        reference: shape (m,), m >= 1: one value a run, above 0, in any unit.
        other: shape (n,), n >= 1: same unit.
        confidence: two-sided.
        power: of what is detectable.

    Raises:
        ValueError: no runs, or a value is not above 0.

    A machine that drifted between the two is not in this interval, which is why runs are
    interleaved where they can be. Source: B. L. Welch, Biometrika 34 (1947) 28-35.
    """
    (a, a_error), (b, b_error) = mean_stderr(_logs(reference)), mean_stderr(_logs(other))
    runs = (len(reference), len(other))
    if a_error is None or b_error is None:
        return _ratio(b - a, None, 0.0, runs, False, confidence, power)
    stderr = math.hypot(a_error, b_error)
    shares = a_error**4 / (runs[0] - 1) + b_error**4 / (runs[1] - 1)
    # Without any spread there is nothing to weigh by; the degrees of freedom then do not matter.
    freedom = stderr**4 / shares if shares > 0 else float(sum(runs) - 2)
    return _ratio(b - a, stderr, freedom, runs, False, confidence, power)


def _logs(values: Sequence[float]) -> list[float]:
    for value in values:
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"a run's value of {value} is not above 0")
    return [math.log(value) for value in values]


def _ratio(
    mean: float,
    stderr: float | None,
    freedom: float,
    runs: tuple[int, int],
    paired: bool,
    confidence: float,
    power: float,
) -> RunRatio:
    interval = p = detectable = None
    if stderr is not None:
        from scipy.special import stdtr, stdtrit

        half = float(stdtrit(freedom, (1 + confidence) / 2)) * stderr
        interval = Interval(low=_exp(mean - half), high=_exp(mean + half))
        p = 2 * float(stdtr(freedom, -abs(mean) / stderr)) if stderr > 0 else float(mean == 0)
        needed = noncentrality(freedom, (1 - confidence) / 2, power)
        detectable = _exp(needed * stderr * underestimate(freedom))
    return RunRatio(
        ratio=math.exp(mean),
        interval=interval,
        p=p,
        log_stderr=stderr,
        freedom=freedom,
        paired=paired,
        reference_runs=runs[0],
        other_runs=runs[1],
        detectable=detectable,
    )


def _exp(x: float) -> float:
    """exp(x), kept below 1e300: the limits of two wild runs may lie beyond any float."""
    return math.exp(max(-700.0, min(700.0, x)))


def underestimate(freedom: float) -> float:
    """Factor by which the median sample's standard error falls short of the true one, above 1.

    What few runs could have shown is worked out from their own spread; without this it would be
    too hopeful more often than not.

    Args:
        freedom: degrees of freedom, above 0; infinite for 1.

    Source: the median of the chi-squared distribution.
    """
    from scipy.special import chdtri

    return 1.0 if math.isinf(freedom) else math.sqrt(freedom / float(chdtri(freedom, 0.5)))


def noncentrality(freedom: float, alpha: float, power: float = POWER) -> float:
    """Distance of a true value, in standard errors, at which a t test shows it with the given
    power.

    Args:
        freedom: degrees of freedom, above 0.
        alpha: one-sided level of the test.
        power: probability of seeing it.

    Source: the noncentral t distribution.
    """
    from scipy.special import nctdtr, stdtrit

    limit = float(stdtrit(freedom, 1 - alpha))
    low, high = 0.0, 2 * limit + 10
    while float(nctdtr(freedom, high, limit)) > 1 - power:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        # The far tail, a true slowdown seen as a speed-up, is left out: it is negligible.
        if float(nctdtr(freedom, middle, limit)) <= 1 - power:
            high = middle
        else:
            low = middle
    return high


def detectable_beyond(
    stderr: npt.ArrayLike, margin: float, freedom: float, alpha: float, power: float = POWER
) -> npt.NDArray[np.float64]:
    """The smallest true loss that is told from none and estimated at a margin or above.

    Args:
        stderr: any shape: true standard errors of the estimated log ratio, above 0.
        margin: a log ratio, above 0.
        freedom: degrees of freedom of the t test, above 0 and finite.
        alpha: one-sided level of that test.
        power: probability that both hold, above 0.5.

    Returns:
        The shape of `stderr`.

    The estimate is normal and independent of the sample's spread, so given the spread both
    conditions are one: the estimate exceeds the larger of margin and t times standard error. Their
    probability is averaged over the chi-squared distribution of the spread.
    """
    import numpy as np
    from scipy.special import chdtri, ndtr, ndtri, stdtrit

    true = np.asarray(stderr, dtype=np.float64)[..., None]
    shares = (np.arange(_SPREADS) + 0.5) / _SPREADS
    needed = stdtrit(freedom, 1 - alpha) * np.sqrt(chdtri(freedom, shares) / freedom)
    limits = np.maximum(margin / true, needed)  # in standard errors
    low = np.maximum(margin / true[..., 0], 0.0)
    high = low + ndtri(power) + noncentrality(freedom, alpha, power)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        seen = ndtr(middle[..., None] - limits).mean(-1) >= power
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    found: npt.NDArray[np.float64] = high * true[..., 0]
    return found
