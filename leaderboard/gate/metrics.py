"""The metrics of a comparison, each with its rule of the policy: what a gate judges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from evals.errors import RecordError, did_you_mean
from evals.scales import LIKELIHOODS
from leaderboard.compare.comparison import NO_MEAN, Comparison
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.compare.tasks import TaskComparison
from leaderboard.gate.evidence import accuracy_evidence, likelihood_evidence, ratio_evidence
from leaderboard.gate.policy import Policy, Rule, fewest_pairs
from leaderboard.gate.verdicts import Draft, Judged, Unit, as_share
from leaderboard.stats.noninferiority import GateVerdict
from leaderboard.stats.paired_means import PairedDifference, mean_difference


def accuracy_drafts(found: Comparison, policy: Policy) -> Iterator[Draft]:
    """The suite's accuracy, each task's, each perplexity, and what is shown and not judged.

    Raises:
        RecordError: the policy names a task that neither side has.
    """
    tasks = _chosen(found, policy)
    counting = [task for task in tasks if task.counts]
    rules = policy.metrics
    known = [t.paired for t in counting if t.paired]
    whole = policy.tasks is None or len(tasks) == len(found.tasks)
    overall, reason = found.overall, found.overall_reason
    if not whole:
        absent = next((t for t in counting if t.paired is None), None)
        confidence = 1 - 2 * policy.alpha
        overall = mean_difference(known, confidence=confidence) if known and not absent else None
        reason = f"{absent.name}: {absent.reason}" if absent else NO_MEAN
    by_likelihood = [task for task in tasks if task.scale in LIKELIHOODS]
    # A suite of perplexities alone has no accuracy; one of which nothing is judged cannot pass.
    if (counting or (tasks and not by_likelihood)) and rules.accuracy.severity != "ignore":
        means = [_mean([t.reference for t in counting]), _mean([t.other for t in counting])]
        values = (means[0], means[1]) if overall else (None, None)
        yield _score("accuracy", rules.accuracy, overall, known, values, reason, policy)
    alone = [task for task in tasks if task.counts or (task.by_item and task.paired)]
    if rules.task.severity != "ignore" and len(alone) > 1:
        for task in alone:
            name, values = f"accuracy:{task.name}", (task.reference, task.other)
            one = [task.paired] if task.paired else []
            yield _score(name, rules.task, task.paired, one, values, task.reason, policy)
    for task in tasks:
        if task.scale not in LIKELIHOODS and task not in alone:
            yield _not_judged(task)
        elif task.scale in LIKELIHOODS and rules.perplexity.severity != "ignore":
            yield _perplexity(task, rules.perplexity, policy)


def _perplexity(task: TaskComparison, rule: Rule, policy: Policy) -> Draft:
    """Loss of perplexity, by the log-likelihoods of the documents that both have."""
    metric, found = f"{task.scale}:{task.name}", task.likelihood
    warns = rule.severity == "warn"
    draft = _blank(metric, "share", rule, task.recorded, warns, task.reason)
    if found is None:
        return draft
    # All documents the same way: 2^-n, the same bound as that of pairs; so the interval has ends.
    needed = fewest_pairs(policy.alpha)
    judged = replace(draft.judged, count=found.clusters, reason="")
    if found.clusters < needed or found.interval is None:
        return Draft(judged=replace(judged, refused=True, needed=needed))
    return Draft(
        judged=judged,
        evidence=likelihood_evidence(found),
        margin=rule.log_margin(1.0, more_is_better=False),
    )


def _not_judged(task: TaskComparison) -> Draft:
    """A score that is shown beside what is judged, with the reason why no verdict is made of it."""
    judged = Judged(
        metric=f"score:{task.name}",
        unit="points",
        severity="warn",
        verdict="cannot tell",
        margin=None,
        baseline=task.recorded[0],
        candidate=task.recorded[1],
        reason=task.reason,
    )
    return Draft(judged=judged)


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
        rule = policy.metrics.rule(axis.metric.name)
        if rule.severity != "ignore" and (axis.reference, axis.other) != (None, None):
            yield _size(axis, rule) if not axis.metric.varies else _axis(axis, rule, policy)


def tail_drafts(tails: Sequence[AxisComparison], policy: Policy) -> Iterator[Draft]:
    """The slow ends of runs, each with the rule `tail`."""
    rule = policy.metrics.tail
    for axis in tails:
        if rule.severity != "ignore" and (axis.reference, axis.other) != (None, None):
            yield replace(_axis(axis, rule, policy), family="tails")


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
