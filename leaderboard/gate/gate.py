"""The gate: did a candidate get worse than its baseline? Pass, regressed, or cannot tell.

Closed forms decide. A metric *regressed* when it is told from no loss at all, Holm's correction
over the metrics of its severity included, and its estimated loss is at the margin or beyond. It
*passes* when the upper limit of its loss lies below the margin. docs/statistics.md says why.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from evals.errors import RecordError
from leaderboard.compare.asked_alike import Mismatch
from leaderboard.compare.comparison import Comparison, Side, compare
from leaderboard.compare.sides import check_apart
from leaderboard.compare.tails import compare_tails
from leaderboard.compare.tasks import TaskComparison
from leaderboard.gate.fidelity_draft import fidelity_drafts
from leaderboard.gate.metrics import accuracy_drafts, axis_drafts, tail_drafts
from leaderboard.gate.policy import Policy
from leaderboard.gate.slow_runs import slow_run_drafts
from leaderboard.gate.verdicts import Judged, judge_families
from leaderboard.rows.answers import ItemKey
from leaderboard.stats.noninferiority import GateVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Items of a task or group that a side has no score for."""

    task: str
    only_baseline: tuple[ItemKey, ...]
    only_candidate: tuple[ItemKey, ...]
    neither: int = 0
    """Number of items that were asked and answered by neither side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Result of the gate: the verdict and everything behind it."""

    verdict: GateVerdict
    policy: Policy
    baseline: Side
    candidate: Side
    judged: tuple[Judged, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    """Differences between the two runs' prompts; only with --allow-different-prompts."""
    missing: tuple[Missing, ...] = ()
    failure: str = ""
    """Why the candidate has no numbers: it failed or was killed."""

    @property
    def lost(self) -> int:
        """Number of items in the tasks that count which a side has no score for, although both were
        asked the same items.
        """
        if any(mismatch.kind != "chat template" for mismatch in self.mismatches):
            return 0
        counted = self.policy.tasks
        return sum(
            len(m.only_baseline) + len(m.only_candidate) + m.neither
            for m in self.missing
            if counted is None or m.task in counted
        )

    @property
    def unjudged(self) -> tuple[Judged, ...]:
        """Accuracies and perplexities that should decide and of which there is no estimate."""
        return tuple(
            j
            for j in self.judged
            if j.severity == "fail" and j.of_answers and j.loss is None and not j.refused
        )

    @property
    def refused(self) -> tuple[Judged, ...]:
        """The metrics that should decide and could not have failed."""
        return tuple(j for j in self.judged if j.refused and j.severity == "fail")


def judge(
    baseline: Side,
    candidate: Side,
    policy: Policy,
    *,
    insist: bool = False,
    clusters: Mapping[ItemKey, Hashable] | None = None,
) -> Gate:
    """Judge a candidate against its baseline.

    Args:
        baseline: completed runs.
        candidate: its runs; one that failed is a regression by itself.
        policy: margins and severities.
        insist: judge although what was asked differs.
        clusters: what an item shares with others; None: its passage, where the samples say which.

    Items that a side has no score for were not judged: the gate cannot tell at best, unless it was
    insisted that what was asked differs.

    Raises:
        RecordError: the baseline is incomplete, a run was interrupted or stands on both sides, what
            was asked differs, or the policy names a task that neither has.
    """
    check_apart([baseline.runs, candidate.runs])
    for run in (*baseline.runs, *candidate.runs):
        if run.status == "interrupted" or (run.status == "failed" and run in baseline.runs):
            raise RecordError(f"{run.run_id} is {run.status}: a gate needs completed runs")
    failed = next((run for run in candidate.runs if run.status == "failed"), None)
    empty = Gate(verdict="regressed", policy=policy, baseline=baseline, candidate=candidate)
    if failed is not None:
        why = f"{failed.error.phase}: {failed.error.message}" if failed.error else "no reason given"
        return replace(empty, failure=f"{failed.run_id} failed in {why}")
    (found,) = compare(
        [baseline, candidate],
        insist=insist,
        clusters=clusters,
        texts=policy.tasks,
        confidence=1 - 2 * policy.alpha,
    )
    runs = baseline.runs, candidate.runs
    drafts = [
        *accuracy_drafts(found, policy),
        *fidelity_drafts(found, policy),
        *axis_drafts(found, policy),
        *tail_drafts(compare_tails(*runs, confidence=1 - 2 * policy.alpha), policy),
        *slow_run_drafts(found, *runs, policy),
    ]
    judged = judge_families(drafts, policy.alpha)
    missing = tuple(m for m in (_missing(task, found) for task in found.tasks) if m is not None)
    verdict = _overall([j.verdict for j in judged if j.severity == "fail"])
    gate = replace(
        empty, verdict=verdict, judged=judged, mismatches=found.mismatches, missing=missing
    )
    return replace(gate, verdict="cannot tell") if verdict == "pass" and gate.lost else gate


def _missing(task: TaskComparison, found: Comparison) -> Missing | None:
    short = [
        sum(one.asked - one.n for one in record.accuracy.values() if one.group == task.name)
        for record in (found.reference, found.other)
    ]
    # What only one of them lacks is named item by item, as far as there are samples.
    neither = min(short)
    if not (task.only_reference or task.only_other or neither > 0):
        return None
    return Missing(
        task=task.name,
        only_baseline=task.only_reference,
        only_candidate=task.only_other,
        neither=max(0, neither),
    )


def _overall(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    if "regressed" in verdicts:
        return "regressed"
    return "pass" if verdicts and set(verdicts) == {"pass"} else "cannot tell"
