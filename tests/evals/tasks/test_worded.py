"""Multiple choice that is answered in words: prompts, letters, and names of its own."""

from __future__ import annotations

from typing import Any

import pytest

from evals.suites import Suite, SuiteTask
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite
from evals.tasks.packaged import find_mirrors, packaged_names
from evals.tasks.worded import READ, Worded, base_of, worded_task

COLOURS = Worded(question="Which is a colour?", choices=("dog", "red", "run"), gold=1)


def test_a_prompt_lists_lettered_choices() -> None:
    assert COLOURS.prompt == (
        "Which is a colour?\nA. dog\nB. red\nC. run\nAnswer with one letter, A to C."
    )
    assert COLOURS.letter == "B"


@pytest.mark.parametrize(
    ("base", "doc", "found"),
    [
        (
            "arc_easy",
            {"question": "q", "choices": {"text": ["x", "y"], "label": ["1", "2"]},
             "answerKey": "2"},
            ("q", ("x", "y"), 1),
        ),
        (
            "openbookqa",
            {"question_stem": "q", "choices": {"text": ["x", "y"], "label": ["A", "B"]},
             "answerKey": "A"},
            ("q", ("x", "y"), 0),
        ),
        ("mmlu", {"question": "q ", "choices": ["x", "y"], "answer": 1}, ("q", ("x", "y"), 1)),
        ("piqa", {"goal": "q", "sol1": "x", "sol2": "y", "label": 0}, ("q", ("x", "y"), 0)),
        (
            "social_iqa",
            {"context": "c.", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z",
             "label": "3"},
            ("c. q", ("x", "y", "z"), 2),
        ),
        (
            "boolq",
            {"passage": "p", "question": "is it", "label": 1},
            ("p\nQuestion: is it?", ("no", "yes"), 1),
        ),
    ],
)  # fmt: skip
def test_documents_are_read_by_their_columns(base: str, doc: Any, found: Any) -> None:
    worded = READ[base](doc)
    assert (worded.question, worded.choices, worded.gold) == found


def test_a_variant_has_a_name_of_its_own() -> None:
    assert (base_of("arc_easy_gen"), base_of("arc_easy")) == ("arc_easy", "")
    (mirror,) = find_mirrors("arc_easy_gen")
    assert (mirror.name, mirror.group, mirror.items, mirror.worded) == (
        "arc_easy_gen", "arc_easy_gen", 2376, True,
    )  # fmt: skip
    mmlu = find_mirrors("mmlu_gen")
    assert len(mmlu) == 57
    assert {one.group for one in mmlu} == {"mmlu_gen"}
    assert [one.name for one in find_mirrors("mmlu_anatomy_gen")] == ["mmlu_anatomy_gen"]
    assert set(READ) <= set(packaged_names())
    for name in ("hellaswag_gen", "truthfulqa_gen", "_gen"):
        assert find_mirrors(name) == []


@pytest.fixture(scope="module")
def loaded() -> dict[str, LoadedTask]:
    """Each variant of the shipped tasks, a few items of each."""
    names = [f"{name}_gen" for name in READ if name != "mmlu"] + ["mmlu_anatomy_gen"]
    suite = Suite(name="words", tasks=tuple(SuiteTask(task=name, limit=3) for name in names))
    return {task.name: task for task in load_suite(suite)}


@pytest.mark.data
def test_the_right_letter_scores_and_prose_is_unread(loaded: dict[str, LoadedTask]) -> None:
    assert len(loaded) == len(READ)
    for task in loaded.values():
        assert (task.metric, task.num_fewshot) == ("acc", 0)
        for item in build_requests(task):
            (instance,) = item.instances
            prompt, told = instance.args
            assert item.target in "ABCDE"
            assert f"\n{item.target}. " in prompt
            assert told["max_gen_toks"] == 16
            score = task.task.process_results
            for answer in (item.target, f" ({item.target})", f"The answer is {item.target}."):
                assert score(instance.doc, [answer]) == {"acc": 1.0, "unread": 0.0}
            assert score(instance.doc, ["It depends."]) == {"acc": 0.0, "unread": 1.0}
            wrong = "B" if item.target == "A" else "A"
            assert score(instance.doc, [wrong]) == {"acc": 0.0, "unread": 0.0}
            assert score(instance.doc, [f"<think>{wrong}.</think>{item.target}"])["acc"] == 1.0


def test_a_thought_without_an_end_is_no_answer() -> None:
    import datasets

    doc = {"goal": "q", "sol1": "x", "sol2": "y", "label": 0}
    task = worded_task("piqa_gen", "piqa", {"test": datasets.Dataset.from_list([doc])})
    assert task.process_results(doc, ["<think>A. No, B"]) == {"acc": 0.0, "unread": 1.0}
