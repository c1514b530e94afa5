"""Is a loss smaller than what one is ready to bear? Three answers, never two."""

from __future__ import annotations

from typing import Literal

from leaderboard.stats.intervals import Interval

GateVerdict = Literal["pass", "regressed", "cannot tell"]


def judge_loss(loss: float, interval: Interval, margin: float) -> GateVerdict:
    """Non-inferiority of a candidate against its baseline.

    Args:
        loss: baseline minus candidate where more is better, candidate minus baseline (or the
            logarithm of their ratio) where less is; positive is worse.
        interval: of the loss. A two-sided 95 % one makes each side a test at 2.5 %.
        margin: the largest acceptable loss, in the same unit, above 0.

    Returns:
        `pass` where the whole interval lies below the margin; `regressed` where there is a loss
        (the interval lies above 0) and it is estimated at the margin or more; else `cannot
        tell`, which is also said of a loss that is real but may or may not matter.

    Raises:
        ValueError: the margin is not above 0, or the estimate is outside its interval.

    "No significant difference" is no proof of "no difference": a test on few items finds none.
    Source: G. Piaggio et al., JAMA 308 (2012) 2594-2604 (CONSORT for non-inferiority trials),
    figure 1; the point estimate at or above the margin is our own addition, so that a loss
    nobody would mind cannot fail a build.
    """
    if not margin > 0 or not interval.low <= loss <= interval.high:
        raise ValueError(f"a loss of {loss} in {interval} cannot be judged by a margin of {margin}")
    if interval.high < margin:
        return "pass"
    return "regressed" if interval.low > 0 and loss >= margin else "cannot tell"
