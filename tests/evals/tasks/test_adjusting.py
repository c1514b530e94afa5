"""What a suite changes of tasks: few-shot, generation arguments, metadata; and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from evals.errors import SpecError
from evals.spec_file import check_spec
from evals.suites import Suite
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from runners.jobs.prepared import PreparedTask
from runners.jobs.suite_digest import suite_digest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

ROWS = [{"q": f"Is {n} even?", "a": "yes" if n % 2 == 0 else "no"} for n in range(6)]
ASKS: dict[str, Any] = {
    "task": "asks",
    "dataset_path": "json",
    "output_type": "generate_until",
    "test_split": "test",
    "fewshot_split": "test",
    "doc_to_text": "{{q}}",
    "doc_to_target": "{{a}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
MADE = """
import datasets

def made(**told):
    row = {"q": f"{told['words']} words?", "a": "yes", "by": str(told.get("tokenizer"))}
    return {"test": datasets.Dataset.from_list([row])}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    local = {"data_files": {"test": str(data)}, "cache_dir": str(tmp_path / "cache")}
    (tmp_path / "asks.yaml").write_text(yaml.safe_dump({**ASKS, "dataset_kwargs": local}))
    (tmp_path / "made.py").write_text(MADE)
    text = yaml.safe_dump({**ASKS, "task": "makes", "dataset_path": "", "metadata": {"words": 5}})
    (tmp_path / "makes.yaml").write_text(f"{text}custom_dataset: !function made.made\n")
    return tmp_path


def prepare(folder: Path, *, trust: bool = True, **content: Any) -> list[PreparedTask]:
    suite = check_spec({"name": "s", **content}, Suite, where="suite")
    loaded = load_suite(suite, include=folder, trust_tasks=trust)
    return [PreparedTask(loaded=one, items=tuple(build_requests(one))) for one in loaded]


def digest(folder: Path, **content: Any) -> str:
    suite = check_spec({"name": "s", **content}, Suite, where="suite")
    return suite_digest(suite, prepare(folder, **content))


def test_generation_arguments_of_the_suite_and_of_an_entry(folder: Path):
    usual = [{"task": "asks"}]
    (plain,) = prepare(folder, tasks=usual)
    assert plain.items[0].instances[0].args[1]["max_gen_toks"] == 8
    own = [{"task": "asks", "gen": {"max_gen_toks": 32}}]
    (found,) = prepare(folder, tasks=own, gen={"max_gen_toks": 16, "top_k": 5})
    arguments = found.items[0].instances[0].args[1]
    # The entry's word is the last one; what neither names is the task's.
    assert (arguments["max_gen_toks"], arguments["top_k"]) == (32, 5)
    assert arguments["until"] == ["\n"]
    # Prompts and identities are the same, and the suite is another.
    assert [i.identity for i in found.items] == [i.identity for i in plain.items]
    assert digest(folder, tasks=own) != digest(folder, tasks=usual)
    with pytest.raises(SpecError, match=r'"asks": generation_kwargs: top_kk is not known'):
        prepare(folder, tasks=usual, gen={"top_kk": 5})


def test_examples_in_one_message_make_another_suite(folder: Path):
    tasks = [{"task": "asks", "num_fewshot": 2}]
    shown: dict[bool, int] = {}
    for multiturn in (True, False):
        (task,) = prepare(folder, tasks=tasks, fewshot_as_multiturn=multiturn)
        asked: list[int] = []

        def template(messages: list[Any], *, add_generation_prompt: bool = True) -> str:
            asked.append(len(messages))  # noqa: B023
            return f"{messages}{add_generation_prompt}"

        build_requests(task.loaded, chat_template=template, tokenizer_name="t")
        shown[multiturn] = asked[0]
    # Two examples of two turns each, and the question; or one message.
    assert shown == {True: 5, False: 1}
    together = digest(folder, tasks=tasks, fewshot_as_multiturn=False)
    assert together != digest(folder, tasks=tasks)
    assert digest(folder, tasks=tasks, fewshot_as_multiturn=True) == digest(folder, tasks=tasks)


def test_metadata_reach_a_task_that_makes_its_own_data(folder: Path):
    usual = [{"task": "makes"}]
    (five,) = prepare(folder, tasks=usual)
    assert five.items[0].doc["q"] == "5 words?"
    (nine,) = prepare(folder, tasks=usual, metadata={"words": 9})
    assert nine.items[0].doc["q"] == "9 words?"
    (two,) = prepare(
        folder, tasks=[{"task": "makes", "metadata": {"words": 2}}], metadata={"words": 9}
    )
    assert two.items[0].doc["q"] == "2 words?"
    # The next suite is not told of it.
    assert prepare(folder, tasks=usual)[0].items[0].doc["q"] == "5 words?"
    # What is not used still is what was asked.
    other = digest(folder, tasks=[{"task": "asks"}], metadata={"words": 9})
    assert other != digest(folder, tasks=[{"task": "asks"}])


def test_a_tokenizer_that_would_run_code_needs_trust(folder: Path):
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir()
    told = {"tasks": [{"task": "asks"}], "trust": False}
    assert prepare(folder, metadata={"tokenizer": str(tokenizer)}, **told)
    with pytest.raises(SpecError, match="is no folder here, and lm-eval would run"):
        prepare(folder, metadata={"tokenizer": "org/name"}, **told)
    (tokenizer / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "t.T"}}')
    with pytest.raises(SpecError, match=r"tokenizer_config.json brings Python code \(auto_map\)"):
        prepare(folder, metadata={"tokenizer": str(tokenizer)}, **told)
    assert prepare(folder, metadata={"tokenizer": str(tokenizer)}, tasks=told["tasks"])


def test_a_candidates_tokenizer_measures_texts_unless_the_suite_names_another(folder: Path):
    suite = check_spec({"name": "s", "tasks": [{"task": "makes"}]}, Suite, where="suite")

    def told(suite: Suite, tokenizer: Path) -> str:
        (task,) = load_suite(suite, include=folder, trust_tasks=True, tokenizer=tokenizer)
        return str(build_requests(task)[0].doc["by"])

    tokenizer = folder / "model"
    tokenizer.mkdir()
    assert told(suite, tokenizer) == "None"  # weights without one
    (tokenizer / "tokenizer.json").write_text("{}")
    assert told(suite, tokenizer) == str(tokenizer)
    # One that would run code is not offered; the candidate may be asked all the same.
    (tokenizer / "config.json").write_text('{"auto_map": {}}')
    assert told(suite, tokenizer) == "None"
    other = suite.model_copy(update={"metadata": {"tokenizer": str(folder)}})
    assert told(other, tokenizer) == str(folder)


@pytest.mark.parametrize(("repeats", "fits"), [(1, False), (3, False), (4, True), (8, True)])
def test_more_answers_taken_than_generated(folder: Path, repeats: int, fits: bool):
    taken = [{"function": "take_first_k", "k": 4}, {"function": "majority_vote"}]
    filters = [{"name": "maj@4", "filter": [*taken, {"function": "take_first"}]}]
    asks = yaml.safe_load((folder / "asks.yaml").read_text())
    changed = {**asks, "task": "votes", "repeats": repeats, "filter_list": filters}
    (folder / "votes.yaml").write_text(yaml.safe_dump(changed))
    if fits:
        assert prepare(folder, tasks=[{"task": "votes"}])
        return
    with pytest.raises(SpecError) as caught:
        prepare(folder, tasks=[{"task": "votes"}])
    assert str(caught.value) == (
        f'task "votes": filter "maj@4" takes the first 4 answers and repeats is {repeats}: set '
        "repeats to 4 or more in its YAML"
    )
