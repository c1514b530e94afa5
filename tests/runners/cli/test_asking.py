"""Options about how candidates are asked, and what they make of suites and candidates."""

from __future__ import annotations

from typing import Any

import pytest

from evals.suites import Suite, SuiteTask
from runners.candidates.asking import Chat
from runners.candidates.spec import Candidate
from runners.cli.asking import asked_otherwise, with_template

NOTHING: dict[str, Any] = {
    "num_fewshot": None, "multiturn": None, "gen": None, "metadata": None, "chat_template": None,
    "system": None, "context": None, "gpu_layers": None,
}  # fmt: skip


def test_nothing_given_changes_nothing():
    suite = Suite(name="s", tasks=(SuiteTask(task="t", num_fewshot=3),), gen={"top_k": 5})
    assert asked_otherwise(suite, NOTHING) == suite


def test_the_commands_word_is_the_last_one():
    tasks = (SuiteTask(task="t", gen={"max_gen_toks": 9, "top_p": 0.5}), SuiteTask(task="u"))
    suite = Suite(name="s", tasks=tasks, gen={"top_k": 5})
    found = asked_otherwise(suite, {**NOTHING, "gen": {"max_gen_toks": 64}, "num_fewshot": 2})
    own, other = found.tasks
    assert found.gen_of(own) == {"top_k": 5, "max_gen_toks": 64, "top_p": 0.5}
    assert found.gen_of(other) == {"top_k": 5, "max_gen_toks": 64}
    assert (own.num_fewshot, other.num_fewshot) == (2, 2)


@pytest.mark.parametrize(
    ("given", "chat"),
    [
        ({}, Chat(system="Hi", args={"a": 1})),
        ({"chat_template": "all"}, Chat(template="all", system="Hi", args={"a": 1})),
        ({"system": "Bye"}, Chat(system="Bye", args={"a": 1})),
        # Without a template nothing goes through it.
        ({"chat_template": "off"}, Chat(template="off")),
    ],
)
def test_every_candidate_is_asked_so(given: dict[str, Any], chat: Chat):
    content = {"name": "f", "runtime": "fake", "chat": {"system": "Hi", "args": {"a": 1}}}
    candidate = Candidate.model_validate(content)
    (found,) = with_template([candidate], {**NOTHING, **given})
    assert found.chat == chat
    assert found.settings == candidate.settings


def test_a_longer_context_is_a_setting():
    content = {"name": "f", "runtime": "fake", "settings": {"context": 512, "threads": 2}}
    candidate = Candidate.model_validate(content)
    (found,) = with_template([candidate], {**NOTHING, "context": 8192})
    assert (found.settings.context, found.settings.threads) == (8192, 2)
