from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.asked_alike import mismatches
from leaderboard.rows.answers import read_answers

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.leaderboard.conftest import Maker


def other(made: Maker, **given: Any) -> Record:
    task = {"n": 3, "value": 1.0, **given.pop("task", {})}
    suite = {"digest": "other", **given.pop("suite", {})}
    return made.record("b", tasks={"t": made.task(**task)}, suite=suite, **given)


def test_one_digest_is_one_suite(made: Maker):
    a = made.record("a", tasks={"t": made.task(1.0, 3)})
    b = made.record("b", tasks={"t": made.task(1.0, 3, num_fewshot=5)})
    assert mismatches(a, b) == ()


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"suite": {"version": 2}}, "suite",
         "suite: tiny version 1 in the reference, tiny version 2 in the other"),
        ({"suite": {"tasks": [{"task": "t"}, {"task": "u"}]}}, "tasks",
         "task u: only the other run was asked it"),
        ({"task": {"num_fewshot": 5}}, "few-shot",
         "t: few-shot examples: 0 in the reference, 5 in the other"),
        ({"task": {"metric": "acc_norm"}}, "metric",
         "t: headline metric: acc in the reference, acc_norm in the other"),
        ({"task": {"asked": 40}}, "items", "t: items asked: 3 in the reference, 40 in the other"),
    ],
)  # fmt: skip
def test_what_records_say(made: Maker, given: dict[str, Any], kind: str, text: str):
    found = mismatches(made.record(tasks={"t": made.task(1.0, 3)}), other(made, **given))
    assert (found[0].kind, found[0].text) == (kind, text)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"items": {"t": ["t-0", "x", "t-2"]}}, "prompts",
         "t: prompts or choices of 1 of 3 shared documents"),
        ({"documents": {"t": [0, 1, 7]}, "items": {"t": ["t-0", "t-1", "t-7"]}}, "items",
         "t: 2 documents were asked of one run only"),
        ({"target": ["0", "1", "1"]}, "right answers",
         "t: what is right differs in 2 of 3 shared items"),
    ],
)  # fmt: skip
def test_what_items_say(made: Maker, changes: dict[str, Any], kind: str, text: str):
    a = made.record(tasks={"t": made.task(1.0, 3)})
    b = other(made)
    scores = {"t": [1, 1, 1]}
    both = (read_answers(a, made.samples(scores)), read_answers(b, made.samples(scores, **changes)))
    assert [(m.kind, m.text) for m in mismatches(a, b, both)] == [(kind, text)]


def test_what_an_incomplete_run_did_not_reach_is_no_difference(made: Maker):
    a, b = made.record(tasks={"t": made.task(1.0, 3)}), other(made, task={"n": 2, "asked": 3})
    both = (
        read_answers(a, made.samples({"t": [1, 1, 1]})),
        read_answers(b, made.samples({"t": [1, 1]})),
    )
    assert mismatches(a, b, both) == ()


def test_a_chat_template_matters_to_generation_alone(made: Maker):
    tasks = {"t": made.task(1.0, 1)}
    a = made.record(tasks=tasks)
    off = {**a.candidate.settings, "chat_template": "off"}
    b = made.record("b", tasks=tasks, candidate={"settings": off})
    likelihoods = made.samples({"t": [1]})
    texts = made.samples({"t": [1]}, answer=["42"])
    assert mismatches(a, b, (read_answers(a, likelihoods), read_answers(b, likelihoods))) == ()
    (found,) = mismatches(a, b, (read_answers(a, texts), read_answers(b, texts)))
    assert (found.kind, found.text) == (
        "chat template",
        "generation tasks: auto in the reference, off in the other",
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "generates", "found"),
    [
        ({"chat_system": "Hi"}, {}, True, ("chat template", "system text: Hi", "none")),
        ({"chat_args": {"think": False}}, {}, True,
         ("chat template", "arguments of the template: {'think': False}", "none")),
        ({"reasoning": {"max_tokens": 9}}, {}, True,
         ("thought", "end and most tokens of thought: {'max_tokens': 9}", "none")),
        ({}, {"sampling": "greedy"}, True,
         ("sampling", "how tokens are chosen: none", "greedy")),
        ({"sampling": "greedy"}, {}, False, None),
        # `all` is about log-likelihood tasks, too.
        ({"chat_template": "all"}, {"chat_template": "auto"}, False,
         ("chat template", "every task: all", "auto")),
        ({"chat_template": "all", "chat_system": "Hi"}, {"chat_template": "all"}, False,
         ("chat template", "every task: Hi", "none")),
    ],
)  # fmt: skip
def test_how_the_candidates_are_asked(
    made: Maker, mine: dict[str, Any], theirs: dict[str, Any], generates: bool, found: Any
):
    tasks = {"t": made.task(1.0, 1)}
    samples = made.samples({"t": [1]}, **({"answer": ["42"]} if generates else {}))
    usual = made.record().candidate.settings
    a, b = (
        made.record(name, tasks=tasks, candidate={"settings": {**usual, **told}})
        for name, told in (("a", mine), ("b", theirs))
    )
    told = mismatches(a, b, (read_answers(a, samples), read_answers(b, samples)))
    expected = []
    if found:
        kind, text, other_value = found
        expected = [(kind, f"{text} in the reference, {other_value} in the other")]
    assert [(one.kind, one.text) for one in told] == expected


def test_keys_of_the_suite_are_named(made: Maker):
    a = made.record()
    b = made.record(suite={"digest": "other", "options": {"gen": {"top_k": 5}}})
    (found,) = mismatches(a, b)
    assert (found.kind, found.text) == (
        "suite", "the suite's gen: none in the reference, {'top_k': 5} in the other",
    )  # fmt: skip
