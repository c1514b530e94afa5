"""A task's file names its scorer, a user's as the catalogue's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite
from evals.tasks.scored import executing

TASK = """
task: mine
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: question
doc_to_target: answer
repeats: {repeats}
metadata: {{version: 1, scorer: {scorer}}}
"""


def load(
    folder: Path, scorer: str, *, repeats: int = 1, asked: int | None = None, allow: bool = False
) -> LoadedTask:
    rows = folder / "rows.jsonl"
    rows.write_text(json.dumps({"question": "Sky?", "answer": "blue", "tests": "assert f()"}))
    (folder / "mine.yaml").write_text(
        TASK.format(rows=rows, scorer=scorer, repeats=repeats), encoding="utf-8"
    )
    suite = Suite(name="s", tasks=(SuiteTask(task="mine", repeats=asked),))
    (loaded,) = load_suite(suite, include=folder, allow_code=allow)
    return loaded


def scores(loaded: LoadedTask, answers: list[str]) -> dict[str, float]:
    (item,) = build_requests(loaded)
    (instance,) = item.instances
    instance.resps.extend(answers)
    loaded.task.apply_filters()
    found: dict[str, float] = loaded.task.process_results(
        item.doc, [instance.filtered_resps[loaded.filter]]
    )
    return found


def test_a_users_task_names_a_scorer(tmp_path: Path) -> None:
    loaded = load(tmp_path, "rule")
    assert (loaded.metric, loaded.scale, loaded.executes) == ("right", "share", False)
    assert scores(loaded, ["It is blue."]) == {"right": 1.0}


def test_code_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r'"mine" runs code that the model writes: --allow-code'):
        load(tmp_path, "code")
    loaded = load(tmp_path, "{code: {k: [1, 2]}}", repeats=2, allow=True)
    assert loaded.executes
    with pytest.raises(SpecError, match="is run in a sandbox only, and there is none here"):
        scores(loaded, ["a", "b"])
    with executing(lambda program: "good" in program):
        assert scores(loaded, ["good", "bad"]) == {"pass@1": 0.5, "pass@2": 1.0}


def test_too_few_answers_are_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"needs 5 answers of each document, .*: repeats: 5"):
        load(tmp_path, "{code: {k: [5]}}", repeats=2, allow=True)


def test_a_suite_asks_for_more_answers(tmp_path: Path) -> None:
    loaded = load(tmp_path, "code", asked=3, allow=True)
    with executing(lambda program: "good" in program):
        # 1 - C(2,1)/C(3,1) = 1/3, and one of all three passes.
        found = scores(loaded, ["bad", "good", "bad"])
    assert found == {"pass@1": pytest.approx(1 / 3), "pass@3": 1.0}
