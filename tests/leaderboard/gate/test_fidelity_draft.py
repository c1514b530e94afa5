"""Fidelity in the gate: what fails, what warns, what is not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import Gate, judge
from leaderboard.gate.policy import Policy, Rule, Rules
from leaderboard.gate.report import as_dict, exit_code, notes, sentence
from leaderboard.gate.verdicts import Judged

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

SAME = {"weights_sha256": "a" * 64}


def side(made: Maker, name: str, lost: float, **given: Any) -> Side:
    """100 items, 10 and 11 tokens in turn, all right; `lost` nats a token below -1."""
    sizes = given.pop("tokens", [10, 11] * 50)
    tasks = {"t": made.task(1.0, 100, group="t")}
    nats = [[-1.0 - lost * size] for size in sizes]
    samples = made.samples({"t": [1.0] * 100}, logprobs=nats, tokens=sizes)
    return Side(runs=(made.record(name, tasks=tasks, **given),), samples=samples)


def gate(made: Maker, lost: float, rule: Rule | None = None, **given: Any) -> Gate:
    rules = Rules(accuracy=Rule(margin=0.05), fidelity=rule or Rules().fidelity)
    return judge(
        side(made, "a", 0.0, candidate=SAME), side(made, "b", lost, **given), Policy(metrics=rules)
    )


def fidelity_of(found: Gate) -> Judged:
    (one,) = [j for j in found.judged if j.metric == "fidelity"]
    return one


@pytest.mark.parametrize(("lost", "verdict"), [(0.01, "pass"), (0.03, "regressed")])
def test_a_damage_fails_that_accuracy_does_not_see(made: Maker, lost: float, verdict: str):
    # All lose the same a token: e^0.03 = 1.0305, beyond 2 %; e^0.01 = 1.0101 within.
    found = gate(made, lost, candidate=SAME)
    one = fidelity_of(found)
    assert (one.severity, one.verdict, one.count, one.baseline) == ("fail", verdict, 100, 1.0)
    assert one.candidate == pytest.approx(2.718281828**lost)
    accuracy = next(j for j in found.judged if j.metric == "accuracy")
    assert (accuracy.loss, accuracy.verdict) == (0.0, "pass")
    if verdict == "regressed":
        assert (found.verdict, exit_code(found)) == ("regressed", 1)
        assert "perplexity of the answers: 3.05% worse" in sentence(one)


def test_another_training_warns(made: Maker):
    found = gate(made, 0.5)
    one = fidelity_of(found)
    assert (one.severity, one.verdict) == ("warn", "regressed")
    assert "regressed" not in {j.verdict for j in found.judged if j.severity == "fail"}
    assert any("trained further" in line for line in notes(found))


def test_the_policy_can_fail_or_ignore_it(made: Maker):
    strict = gate(made, 0.5, Rule(margin=0.02))
    assert (fidelity_of(strict).severity, strict.verdict) == ("fail", "regressed")
    ignored = gate(made, 0.5, Rule(margin=0.02, severity="ignore"))
    assert not [j for j in ignored.judged if j.metric == "fidelity"]


def test_other_tokenizers_are_not_judged_and_said(made: Maker):
    found = gate(made, 0.0, tokens=[9, 11] * 50, candidate=SAME)
    one = fidelity_of(found)
    assert (one.severity, one.loss, one.margin) == ("warn", None, None)
    assert any("other tokenizers" in line for line in notes(found))
    # Insisted on, it cannot pass.
    strict = gate(made, 0.0, Rule(margin=0.02), tokens=[9, 11] * 50, candidate=SAME)
    assert strict.verdict == "cannot tell"
    assert fidelity_of(strict) in strict.unjudged


def test_the_report_has_it(made: Maker):
    report = as_dict(gate(made, 0.03, candidate=SAME), created_at="now")
    (one,) = [metric for metric in report["metrics"] if metric["metric"] == "fidelity"]
    assert (one["verdict"], one["margin"]) == ("regressed", 0.02)
    assert report["policy"]["metrics"]["fidelity"]["severity"] == "auto"
