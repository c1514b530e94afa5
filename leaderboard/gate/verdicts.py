"""One metric of a gate, judged together with the others of its severity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from evals.scales import LIKELIHOODS
from leaderboard.gate.evidence import Evidence
from leaderboard.stats.corrections import holm
from leaderboard.stats.intervals import Interval
from leaderboard.stats.noninferiority import GateVerdict, judge_loss
from leaderboard.stats.paired_counts import POWER

Unit = Literal["points", "share"]
Counts = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One metric, judged. Losses are positive where the candidate is worse."""

    metric: str
    """`accuracy`, `accuracy:TASK`, `fidelity`, `perplexity:TASK`, `bits_per_byte:TASK`,
    `score:TASK` (not judged), or an axis, with its workload after a colon."""
    unit: Unit
    """points: of a score between 0 and 1. share: of the baseline (0.1: a tenth more time, or a
    perplexity that is a tenth higher)."""
    severity: Counts
    verdict: GateVerdict
    margin: float | None
    """Largest acceptable loss; None where no verdict is made."""
    baseline: float | None
    candidate: float | None
    loss: float | None = None
    interval: Interval | None = None
    """Interval at 1 - 2 alpha: each end is a one-sided test at alpha. None where nothing varies
    between runs, as with a file's size, and where there is no estimate."""
    p: float | None = None
    """One-sided, of no loss."""
    p_adjusted: float | None = None
    """p value after Holm's correction over the metrics of this severity."""
    detectable: float | None = None
    """The smallest true loss that such data call a regression with 80 % probability."""
    count: int = 0
    """Items, documents, or runs a side."""
    paired: bool = True
    needed: int | None = None
    """Items or runs a side from which on the margin could be told, where these cannot."""
    refused: bool = False
    """True where this metric could not have failed, whatever happened: it is not tested."""
    reason: str = ""
    """Why there is no estimate."""

    @property
    def of_answers(self) -> bool:
        """True for a metric of what the candidate answers; False for times, memory and size."""
        kind = self.metric.partition(":")[0]
        return self.unit == "points" or kind == "fidelity" or kind in LIKELIHOODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A metric before the others of its family are known."""

    judged: Judged
    evidence: Evidence | None = None
    margin: float = math.nan
    """Largest acceptable loss, on the scale of the evidence."""
    family: str = ""
    """Family of tests that are corrected together, among metrics that only warn; what may fail is
    one family."""


def judge_families(drafts: Sequence[Draft], alpha: float) -> tuple[Judged, ...]:
    """Holm's correction among the metrics that fail, and within each family of those that warn."""
    judged = [draft.judged for draft in drafts]
    families: dict[str, list[tuple[int, Draft, Evidence]]] = {}
    for place, draft in enumerate(drafts):
        if draft.evidence:
            fails = draft.judged.severity == "fail"
            family = families.setdefault("fail" if fails else f"warn {draft.family}", [])
            family.append((place, draft, draft.evidence))
    for tested in families.values():
        adjusted = holm([min(1.0, evidence.p) for _, _, evidence in tested])
        for (place, draft, evidence), p in zip(tested, adjusted, strict=True):
            judged[place] = _decide(draft, evidence, p, alpha, alpha / len(tested))
    return tuple(judged)


def _decide(
    draft: Draft, evidence: Evidence, p_adjusted: float, alpha: float, level: float
) -> Judged:
    """`level`: of the first step of Holm's procedure, that of a metric which changes alone."""
    verdict = judge_loss(evidence.loss, evidence.interval, draft.margin)
    if verdict == "regressed" and p_adjusted > alpha:
        verdict = "cannot tell"
    points = draft.judged.unit == "points"
    shown = float if points else as_share
    low, high = shown(evidence.interval.low), shown(evidence.interval.high)
    return replace(
        draft.judged,
        verdict=verdict,
        loss=shown(evidence.loss),
        interval=Interval(low=low, high=high),
        p=evidence.p,
        p_adjusted=p_adjusted,
        detectable=shown(evidence.detectable(draft.margin, level)),
        needed=_needed(draft, evidence, alpha) if verdict == "cannot tell" else None,
    )


def _needed(draft: Draft, evidence: Evidence, alpha: float) -> int:
    """Number of items or runs that would pass with 80 % probability, were nothing lost."""
    z = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(POWER)
    times = (z * evidence.stderr / draft.margin) ** 2
    return max(draft.judged.count + 1, math.ceil(draft.judged.count * times))


def as_share(log_ratio: float) -> float:
    """A log ratio as a share of the baseline; what is beyond any float is cut."""
    return math.expm1(min(700.0, log_ratio))
