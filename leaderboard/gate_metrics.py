"""The metrics of a comparison, each with its rule of the policy: what a gate judges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from evals.errors import RecordError, did_you_mean
from leaderboard.axes import AxisComparison
from leaderboard.compare import Comparison, TaskComparison
from leaderboard.evidence import accuracy_evidence, ratio_evidence
from leaderboard.judged import Draft, Judged, Unit, as_share
from leaderboard.noninferiority import GateVerdict
from leaderboard.paired import PairedDifference, mean_difference
from leaderboard.policy import Policy, Rule, fewest_pairs


def accuracy_drafts(found: Comparison, policy: Policy) -> Iterator[Draft]:
    """The suite's accuracy, and each task's.

    Raises:
        RecordError: the policy names a task that neither side has.
    """
    tasks = _chosen(found, policy)
    rules = policy.metrics
    known = [t.paired for t in tasks if t.paired]
    whole = policy.tasks is None or len(tasks) == len(found.tasks)
    overall, reason = found.overall, found.overall_reason
    if not whole:
        absent = next((t for t in tasks if t.paired is None), None)
        confidence = 1 - 2 * policy.alpha
        overall = None if absent else mean_difference(known, confidence=confidence)
        reason = f"{absent.name}: {absent.reason}" if absent else ""
    if tasks and rules.accuracy.severity != "ignore":
        means = [_mean([t.reference for t in tasks]), _mean([t.other for t in tasks])]
        values = (means[0], means[1]) if overall else (None, None)
        yield _score("accuracy", rules.accuracy, overall, known, values, reason, policy)
    if rules.task.severity != "ignore" and len(tasks) > 1:
        for task in tasks:
            name, values = f"accuracy:{task.name}", (task.reference, task.other)
            one = [task.paired] if task.paired else []
            yield _score(name, rules.task, task.paired, one, values, task.reason, policy)


def _chosen(found: Comparison, policy: Policy) -> list[TaskComparison]:
    names = [task.name for task in found.tasks]
    for name in policy.tasks or ():
        if name not in names:
            raise RecordError(f'policy: no task "{name}" in these runs{did_you_mean(name, names)}')
    return [task for task in found.tasks if policy.tasks is None or task.name in policy.tasks]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _score(
    metric: str,
    rule: Rule,
    paired: PairedDifference | None,
    tasks: list[PairedDifference],
    values: tuple[float | None, float | None],
    reason: str,
    policy: Policy,
) -> Draft:
    draft = _blank(metric, "points", rule, values, rule.severity == "warn", reason)
    if paired is None:
        return draft
    # Were every item lost, McNemar's test would give 2^-n: the same bound as that of pairs.
    needed = fewest_pairs(policy.alpha)
    judged = replace(draft.judged, count=paired.n)
    if paired.n < needed:
        return Draft(judged=replace(judged, refused=True, needed=needed))
    evidence = accuracy_evidence(paired, tasks, policy.alpha)
    return Draft(judged=judged, evidence=evidence, margin=rule.margin)


def axis_drafts(found: Comparison, policy: Policy) -> Iterator[Draft]:
    """Times, memory and size, as far as either side has them."""
    for axis in found.axes:
        rule: Rule = getattr(policy.metrics, axis.axis)
        if rule.severity != "ignore" and (axis.reference, axis.other) != (None, None):
            yield _size(axis, rule) if axis.axis == "weights_bytes" else _axis(axis, rule, policy)


def _axis(axis: AxisComparison, rule: Rule, policy: Policy) -> Draft:
    metric = f"{axis.axis}:{axis.workload}" if axis.workload else axis.axis
    needed = fewest_pairs(policy.alpha)
    ratio, values = axis.ratio, (axis.reference, axis.other)
    runs = min(ratio.reference_runs, ratio.other_runs) if ratio else 0
    interleaved = ratio is not None and ratio.paired and runs >= needed
    warns = rule.severity == "warn" or (rule.severity == "auto" and not interleaved)
    draft = _blank(metric, "share", rule, values, warns, axis.reason)
    if ratio is None or axis.reference is None:
        return draft
    judged = replace(draft.judged, count=runs, paired=ratio.paired)
    if runs < needed:
        return Draft(judged=replace(judged, refused=True, needed=needed, reason=""))
    margin = rule.log_margin(axis.reference, more_is_better=axis.more_is_better)
    return Draft(
        judged=replace(judged, margin=as_share(margin)),
        evidence=ratio_evidence(ratio, policy.alpha, more_is_better=axis.more_is_better),
        margin=margin,
    )


def _size(axis: AxisComparison, rule: Rule) -> Draft:
    """A file's size: known exactly, so it is compared and not tested."""
    values = (axis.reference, axis.other)
    draft = _blank(axis.axis, "share", rule, values, rule.severity != "fail", axis.reason)
    if axis.ratio is None or axis.reference is None:
        return draft
    loss = math.log(axis.ratio.ratio)
    margin = rule.log_margin(axis.reference, more_is_better=False)
    verdict: GateVerdict = "regressed" if loss >= margin else "pass"
    shown = replace(draft.judged, margin=as_share(margin), loss=as_share(loss), verdict=verdict)
    return Draft(judged=replace(shown, count=1))


def _blank(
    metric: str,
    unit: Unit,
    rule: Rule,
    values: tuple[float | None, float | None],
    warns: bool,
    reason: str,
) -> Draft:
    judged = Judged(
        metric=metric,
        unit=unit,
        severity="warn" if warns else "fail",
        verdict="cannot tell",
        margin=rule.margin,
        baseline=values[0],
        candidate=values[1],
        reason=reason,
    )
    return Draft(judged=judged)
