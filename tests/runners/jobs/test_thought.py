"""Whole jobs of a model that thinks: what is scored, counted, flagged and told to the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.suites import Suite, SuiteTask
from evals.tasks.generation import read_generation
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from runners.candidates.asking import Chat, Reasoning
from runners.jobs.chat import asked_task
from runners.jobs.measured import LoadedModel, Measured
from runners.jobs.prepared import PreparedTask
from runners.jobs.recommended import chosen_sampling, recommended, recommends_none
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.records.record import Record
    from tests.runners.conftest import Bench

# As gsm8k_cot asks and scores: the first sentence of this kind counts.
QUESTION: dict[str, Any] = {
    "output_type": "generate_until",
    "doc_to_text": "q",
    "doc_to_target": "18",
    "generation_kwargs": {"until": ["Q:", "\n\n"], "do_sample": False},
    "filter_list": [
        {
            "name": "strict-match",
            "filter": [
                {"function": "regex", "regex_pattern": "The answer is (\\-?[0-9\\.\\,]+)."},
                {"function": "take_first"},
            ],
        }
    ],
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
CHOICES: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": ["yes", "no"],
    "doc_to_target": "{{0}}",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
OPENS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}<assistant>"
THOUGHT = "The answer is 7. Q: is it?\n\nNo."
ANSWER = "The answer is 18."
WRITES_THINK = (
    OPENS + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)


@pytest.fixture
def asked(
    bench: Bench,
    tmp_path: Path,
    task_writer: Callable[..., None],
    loader: Callable[..., list[Any]],
) -> Callable[..., tuple[Record, list[dict[str, Any]]]]:
    """Runs a fake on the question; its record, and its samples."""
    task_writer(tmp_path, "sums", QUESTION, items=2)
    here = replace(bench, tasks={t.loaded.name: t for t in loader(tmp_path, "sums")})

    def run(text: str, template: str, **keys: Any) -> tuple[Record, list[dict[str, Any]]]:
        candidate = here.fake(text=text, template=template).model_copy(update=keys)
        (outcome,) = here.outcomes(candidate, tasks=("sums",), keep_prompts=True)
        return outcome.record, here.store.samples(outcome.record.run_id).to_pylist()

    return run


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (WRITES_THINK, f"<think>{THOUGHT}</think>\n\n{ANSWER}"),
        # The prompt has opened the thought.
        (f"{OPENS}<think>\n{{# </think> #}}", f"{THOUGHT}</think>\n\n{ANSWER}"),
        (
            f"{OPENS}{{# <|channel|>analysis<|message|> #}}",
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
            f"<|channel|>final<|message|>{ANSWER}",
        ),
        (f"{OPENS}{{# <channel|> #}}", f"<|channel>thought\n{THOUGHT}<channel|>{ANSWER}"),
        (f"{OPENS}{{# [/THINK] #}}", f"[THINK]{THOUGHT}[/THINK]{ANSWER}"),
    ],
    ids=["think", "opened", "harmony", "gemma 4", "mistral"],
)
def test_a_right_answer_after_a_wrong_thought_scores(
    asked: Callable[..., Any], template: str, text: str
):
    record, rows = asked(text, template)
    assert record.accuracy["sums"].value == 1.0
    assert [row["answer"] for row in rows] == [ANSWER] * 2
    assert [row["raw"] for row in rows] == [text] * 2
    told = record.answers["sums"]
    words = len(text.split())
    # A word is a token: of the answer there are four.
    assert (told.n, told.tokens, told.thought_tokens) == (2, 2 * words, 2 * (words - 4))
    assert {row["thought_tokens"] for row in rows} == {words - 4}
    assert told.answer_s is not None
    for row in rows:
        assert row["token_s"][row["first_answer"]] <= told.answer_s.maximum + 1e-6
    assert [flag.name for flag in record.flags if "cut" in flag.name] == []


def test_without_marks_all_of_it_is_the_answer(asked: Callable[..., Any]):
    record, rows = asked(f"<think>{THOUGHT}</think>\n\n{ANSWER}", OPENS)
    assert record.accuracy["sums"].value == 0.0
    assert "raw" not in rows[0]
    assert record.answers["sums"].thought_tokens == 0


def test_the_candidate_may_name_the_mark_itself(asked: Callable[..., Any]):
    text = f"<plan>{THOUGHT}</plan>{ANSWER}"
    record, _ = asked(text, OPENS, reasoning=Reasoning(end="</plan>"))
    assert record.accuracy["sums"].value == 1.0
    assert record.candidate.settings["reasoning"] == {"end": "</plan>"}
    # … or say that nothing is thought.
    text = f"<think>{THOUGHT}</think>{ANSWER}"
    record, _ = asked(text, WRITES_THINK, reasoning=Reasoning(end=""))
    assert record.accuracy["sums"].value == 0.0


def test_a_thought_that_is_cut_leaves_no_answer_and_a_flag(asked: Callable[..., Any]):
    text = f"<think>{THOUGHT}</think>\n\n{ANSWER}"
    record, rows = asked(text, WRITES_THINK, reasoning=Reasoning(max_tokens=3))
    assert (record.accuracy["sums"].value, record.answers["sums"].thought_cut) == (0.0, 2)
    assert [(row["answer"], row["stop"], row["tokens"]) for row in rows] == [("", "thought", 3)] * 2
    assert [(f.name, f.detail) for f in record.flags if f.name == "thought cut"] == [
        (
            "thought cut",
            "sums: 2 of 2 thoughts had not ended, so that there is no answer: raise "
            "reasoning.max_tokens, or settings.context",
        )
    ]


def test_arguments_and_a_system_text_reach_the_template(asked: Callable[..., Any]):
    chat = Chat(system="Be brief.", args={"enable_thinking": False})
    record, rows = asked(ANSWER, WRITES_THINK, chat=chat)
    assert rows[0]["prompt"] == (
        "<system>Be brief.</s><user>sums: is 0 even?</s><assistant><think></think>"
    )
    assert [flag.name for flag in record.flags if "arguments" in flag.name] == []
    settings = record.candidate.settings
    assert settings["chat_system"] == "Be brief."
    assert settings["chat_args"] == {"enable_thinking": False}
    assert [flag.detail for flag in record.flags if flag.name == "system message left out"] == []


def test_an_argument_that_the_template_does_not_know_is_flagged(asked: Callable[..., Any]):
    chat = Chat(args={"enable_thinkin": False, "enable_thinking": True})
    record, _ = asked(ANSWER, WRITES_THINK, chat=chat)
    assert [f.detail for f in record.flags if f.name == "template arguments without effect"] == [
        "the chat template does not know enable_thinkin"
    ]


class Telling:
    """A worker that has a chat template and nothing else."""

    def __init__(self, template: str) -> None:
        self._template = template

    def ask(self, *_: Any) -> protocol.ChatTemplate:
        return protocol.ChatTemplate(text=self._template, bos="<s>", eos="</s>")


@pytest.mark.parametrize(
    ("template", "keys", "choices", "sums"),
    [
        ("auto", {}, "choices: is 0 even?", "<user>sums: is 0 even?</s><assistant>"),
        ("all", {}, "<user>choices: is 0 even?</s><assistant>",
         "<user>sums: is 0 even?</s><assistant>"),
        ("all", {"system": "Hi"}, "<system>Hi</s><user>choices: is 0 even?</s><assistant>",
         "<system>Hi</s><user>sums: is 0 even?</s><assistant>"),
        ("off", {}, "choices: is 0 even?", "sums: is 0 even?"),
    ],
)  # fmt: skip
def test_which_tasks_go_through_the_template(
    bench: Bench, tmp_path: Path, task_writer: Callable[..., None],
    loader: Callable[..., list[Any]], template: Any, keys: dict[str, str], choices: str, sums: str,
):  # fmt: skip
    task_writer(tmp_path, "sums", QUESTION, items=1)
    task_writer(tmp_path, "choices", CHOICES, items=1)
    candidate: Candidate = bench.fake().model_copy(
        update={"chat": Chat(template=template, **keys), "reasoning": Reasoning(end="</think>")}
    )
    ((job, _),) = bench.jobs(candidate)
    measured = Measured()
    model: Any = type("Model", (), {"chat_template": True, "recommends": {}})()
    measured.add(LoadedModel(model=model, load_s=0.0))
    worker: Any = Telling(OPENS)
    found = {
        task.loaded.name: asked_task(job, task, worker, measured)
        for task in loader(tmp_path, "sums", "choices")
    }
    prompts = {name: one.items[0].instances[0].args[0] for name, one in found.items()}
    assert prompts == {"choices": choices, "sums": sums}
    # What the template writes after an answer ends it; without a template nothing does.
    assert found["sums"].how.turn_end == ("" if template == "off" else "</s><assistant>")
    assert found["sums"].how.marks is not None
    assert found["choices"].how.marks is None


@pytest.mark.parametrize(
    ("sampling", "asked", "chosen", "left", "none"),
    [
        (None, {"temperature": 0.6, "top_k": 20}, {}, set(), False),
        ("greedy", {"temperature": 0.6}, {"temperature": 0.0, "top_k": 0}, set(), False),
        ("recommended", {"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.1},
         {"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.1}, set(), False),
        # A penalty alone draws nothing; what Weighin does not have is told.
        ("recommended", {"repetition_penalty": 1.05, "num_beams": 4},
         {"temperature": 0.0, "repetition_penalty": 1.05}, {"num_beams"}, False),
        ("recommended", {}, {}, set(), True),
    ],
)  # fmt: skip
def test_sampling_of_the_task_of_the_model_or_none(
    bench: Bench, sampling: Any, asked: dict[str, Any], chosen: dict[str, float], left: set[str],
    none: bool,
):  # fmt: skip
    candidate = bench.fake().model_copy(update={"sampling": sampling})
    ((job, _),) = bench.jobs(candidate)
    measured = Measured()
    model: Any = type("Model", (), {"chat_template": False, "recommends": asked})()
    measured.add(LoadedModel(model=model, load_s=0.0))
    given = chosen_sampling(job, measured)
    # The task draws at 0.7 of the ten likeliest, if nothing stands in for it.
    task = {"do_sample": True, "temperature": 0.7, "top_k": 10, "until": ["\n"]}
    found = read_generation("t", {**task, **given})
    usual = {"temperature": 0.7, "top_k": 10, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}
    expected = usual
    if given:
        nothing = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
        expected = {**nothing, "repetition_penalty": 1.0, **chosen}
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.until == ("\n",)
    assert set(recommended(job, measured)) == left
    assert recommends_none(job, measured) == none


def test_a_suite_may_say_where_a_task_uses_the_template(
    bench: Bench, tmp_path: Path, task_writer: Callable[..., None]
):
    task_writer(tmp_path, "sums", QUESTION, items=1)
    suite = Suite(name="s", tasks=(SuiteTask(task="sums", chat_template="off"),))
    (loaded,) = load_suite(suite, include=tmp_path, trust_tasks=True)
    task = PreparedTask(loaded=loaded, items=tuple(build_requests(loaded)))
    ((job, _),) = bench.jobs(bench.fake().model_copy(update={"chat": Chat(template="all")}))
    measured = Measured()
    model: Any = type("Model", (), {"chat_template": True, "recommends": {}})()
    measured.add(LoadedModel(model=model, load_s=0.0))
    worker: Any = Telling(OPENS)
    found = asked_task(job, task, worker, measured)
    assert found.items[0].instances[0].args[0] == "sums: is 0 even?"
    assert found.how.turn_end == ""
