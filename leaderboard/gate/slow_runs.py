"""The slowest run of each side: rare slow modes, which means over runs hide.

A mode that slows one run in seven to half its speed moves the mean of logarithms by 10 %, and five
runs hold none of it in 46 of 100 gates. So a side's slowest run is held against the baseline's, and
what so few runs cannot show is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from leaderboard.compare.comparison import Comparison
from leaderboard.compare.run_metrics import Axis, run_values, time_axes
from leaderboard.gate.policy import Policy, Rule
from leaderboard.gate.verdicts import Draft, Judged
from leaderboard.stats.noninferiority import GateVerdict
from runners.records.record import Record

RARE = 1 / 7
"""Share of slow runs that a pass rules out."""
PREFIX = "slowest_"


def runs_that_show(alpha: float, share: float = RARE) -> int:
    """Number of runs that hold at least one of a mode with this share, with probability 1 - alpha.

    (1 - share)^n <= alpha: 20 runs for one in seven at 5 %.
    """
    return math.ceil(math.log(alpha) / math.log1p(-share))


def slow_run_drafts(
    found: Comparison, baseline: Sequence[Record], candidate: Sequence[Record], policy: Policy
) -> Iterator[Draft]:
    """The slowest run of either side, on each time: compared, not tested.

    Args:
        found: of the two, which says how their conditions differ.
        baseline: its runs.
        candidate: its runs.
        policy: the rule `slowest_run`.
    """
    rule = policy.metrics.slowest_run
    if rule.severity == "ignore":
        return
    for axis in time_axes([*baseline, *candidate]):
        if axis.name == "cold_start_s" and policy.metrics.rule("cold_start_s").severity == "ignore":
            continue
        sides = [list(run_values(runs, axis.value).values()) for runs in (baseline, candidate)]
        if any(sides):
            yield Draft(judged=_judged(axis, sides, rule, policy.alpha, found.unlike))


def _judged(
    axis: Axis, sides: Sequence[list[float]], rule: Rule, alpha: float, unlike: str
) -> Judged:
    worst = min if axis.more_is_better else max
    slowest = [worst(values) if values else None for values in sides]
    count = min(map(len, sides))
    reason = unlike.partition(" (")[0] or ("was not measured on one side" if not count else "")
    if not reason and count < 2:
        reason = "a single run on one side says nothing of the next"
    first, other = slowest
    loss = None
    verdict: GateVerdict = "cannot tell"
    needed = runs_that_show(alpha)
    if not reason and first is not None and other is not None:
        loss = first / other - 1 if axis.more_is_better else other / first - 1
        # A rate's unit is not the minimum's, which is in seconds.
        small = not axis.more_is_better and other - first < rule.minimum
        if loss >= rule.margin and not small:
            verdict = "regressed"
        elif count >= needed:
            verdict = "pass"
    workload = f":{axis.workload}" if axis.workload else ""
    return Judged(
        metric=f"{PREFIX}{axis.name}{workload}",
        unit="share",
        severity="fail" if rule.severity == "fail" else "warn",
        verdict=verdict,
        margin=rule.margin,
        baseline=first,
        candidate=other,
        loss=loss,
        count=count,
        needed=needed if verdict == "cannot tell" and loss is not None else None,
        reason=reason,
    )
