"""Chat prompts of whole jobs: a begun answer, a missing system role, a template that fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from runners.records.record import Record
    from tests.runners.conftest import Bench

ANSWER: dict[str, Any] = {
    "output_type": "generate_until",
    "doc_to_text": "q",
    "doc_to_target": "answer",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"
OPENS = "{% if add_generation_prompt %}<assistant>{% endif %}"
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)


@pytest.fixture
def asked(
    bench: Bench,
    tmp_path: Path,
    task_writer: Callable[..., None],
    loader: Callable[..., list[Any]],
) -> Callable[[str], tuple[Record, dict[str, list[str]]]]:
    """Runs a fake with a chat template on three tasks; its record, and the prompts by task."""
    task_writer(tmp_path, "plain", ANSWER, items=2)
    task_writer(tmp_path, "described", {**ANSWER, "description": "Be brief."}, items=2)
    task_writer(tmp_path, "prefixed", {**ANSWER, "gen_prefix": "The best answer is"}, items=2)
    tasks = {t.loaded.name: t for t in loader(tmp_path, "described", "plain", "prefixed")}
    here = replace(bench, tasks=tasks)

    def run(template: str) -> tuple[Record, dict[str, list[str]]]:
        (outcome,) = here.outcomes(
            here.fake(template=template), tasks=tuple(tasks), keep_prompts=True
        )
        rows = here.store.samples(outcome.record.run_id).to_pylist()
        prompts: dict[str, list[str]] = {}
        for row in rows:
            prompts.setdefault(row["task"], []).append(row["prompt"])
        return outcome.record, prompts

    return run


def named(record: Record, name: str) -> list[str]:
    return [flag.detail for flag in record.flags if flag.name == name]


def test_a_begun_answer_is_the_end_of_the_prompt(asked: Callable[[str], Any]):
    record, prompts = asked(TURNS + OPENS)
    assert record.status == "completed"
    assert prompts["prefixed"][0] == "<user>prefixed: is 0 even?</s><assistant>The best answer is"
    assert prompts["plain"][0] == "<user>plain: is 0 even?</s><assistant>"
    assert prompts["described"][0] == (
        "<system>Be brief.</s><user>described: is 0 even?</s><assistant>"
    )
    assert named(record, "system message left out") == []


def test_without_a_system_role_it_is_asked_without_and_flagged(asked: Callable[[str], Any]):
    record, prompts = asked(NO_SYSTEM + TURNS + OPENS)
    assert record.status == "completed"
    assert prompts["described"] == [
        f"<user>described: is {n} even?</s><assistant>" for n in range(2)
    ]
    assert named(record, "system message left out") == [
        "described: the chat template shows none in 2 of 2 prompts"
    ]


def test_a_template_that_fails_on_one_task_leaves_the_others(asked: Callable[[str], Any]):
    fails = "{% if 'plain' in messages[0].content %}{{ 1 / 0 }}{% endif %}"
    record, prompts = asked(fails + TURNS + OPENS)
    assert (record.status, record.error.phase) == ("failed", "generation")
    assert record.error.message == (
        'task "plain": the model\'s chat template fails: division by zero'
    )
    assert sorted(prompts) == ["described", "prefixed"]
    assert {name: one.n for name, one in record.accuracy.items()} == {
        "described": 2,
        "plain": 0,
        "prefixed": 2,
    }


def test_settings_of_the_models_files_count_where_a_task_leaves_them_open(
    tmp_path: Path, task_writer: Callable[..., None], loader: Callable[..., list[Any]]
):
    from runners.jobs.recommended import recommended

    sampled = {"do_sample": True, "temperature": 1, "top_k": 5}
    task_writer(tmp_path, "greedy", ANSWER, items=1)
    task_writer(tmp_path, "sampled", {**ANSWER, "generation_kwargs": sampled}, items=1)
    told = {"temperature": 0.6, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.1}

    def found(*names: str) -> set[str]:
        candidate = SimpleNamespace(sampling=None)
        job: Any = SimpleNamespace(tasks=loader(tmp_path, *names), scores=True, candidate=candidate)
        measured: Any = SimpleNamespace(model=SimpleNamespace(recommends=told))
        return set(recommended(job, measured))

    assert found("greedy") == {"repetition_penalty"}
    assert found("sampled") == {"repetition_penalty", "top_p"}
