"""Fidelity as a metric of the gate: it fails where a loss is a damage, and else warns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.compare.comparison import Comparison
from leaderboard.compare.fidelity import ONLY_LABELS
from leaderboard.compare.texts import NO_CHOICES, NO_SIZES
from leaderboard.gate.evidence import Evidence
from leaderboard.gate.policy import Policy, fewest_pairs
from leaderboard.gate.verdicts import Draft, Judged

_NOT_ASKED = (NO_CHOICES, NO_SIZES, ONLY_LABELS)


def fidelity_drafts(found: Comparison, policy: Policy) -> Iterator[Draft]:
    """The perplexity ratio of the answers' texts, where texts were asked and scored.

    Severity `auto` fails where both sides come from the same weights: a fine-tune is far from its
    base, and is not damaged. What cannot be judged then warns alone.
    """
    rule, kept = policy.metrics.fidelity, found.fidelity
    if rule.severity == "ignore" or kept is None or kept.reason in _NOT_ASKED:
        return
    needed = fewest_pairs(policy.alpha)
    loss = kept.loss
    usable = loss is not None and loss.clusters >= needed and loss.interval is not None
    fails = rule.severity == "fail" or (rule.severity == "auto" and usable and kept.same_weights)
    judged = Judged(
        metric="fidelity",
        unit="share",
        severity="fail" if fails else "warn",
        verdict="cannot tell",
        margin=rule.margin if loss or fails else None,
        baseline=1.0 if loss else None,
        candidate=kept.ratio,
        count=loss.clusters if loss else 0,
        refused=loss is not None and not usable,
        needed=needed if loss is not None and not usable else None,
        reason=kept.reason,
    )
    if loss is None or loss.interval is None or loss.stderr is None or not usable:
        yield Draft(judged=judged)
        return
    evidence = Evidence(
        loss=loss.loss,
        interval=loss.interval,
        p=loss.p,
        stderr=loss.stderr,
        freedom=loss.clusters - 1,
    )
    margin = rule.log_margin(1.0, more_is_better=False)
    yield Draft(judged=judged, evidence=evidence, margin=margin)


def why_it_warns(judged: Sequence[Judged], policy: Policy) -> list[str]:
    """Why a loss of fidelity does not fail the gate, where there is one that might."""
    warned = [j for j in judged if j.metric == "fidelity" and j.severity == "warn" and j.loss]
    if not warned or policy.metrics.fidelity.severity != "auto":
        return []
    return [
        "perplexity of the answers: warns alone, since the two are not known to come from the same "
        "weights; a model that was trained further is far from its base without damage"
    ]
