"""A task's file names its scorer, a user's as the catalogue's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SpecError
from evals.scoring.rule import Rule, RuleOptions
from evals.scoring.scorer import EachAnswer
from evals.suites import Suite, SuiteTask
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite
from evals.tasks.scored import _score, executing, noting_faults

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
    folder: Path,
    scorer: str,
    *,
    repeats: int = 1,
    asked: int | None = None,
    allow: bool = False,
    answer: object = "blue",
    more: str = "",
) -> LoadedTask:
    rows = folder / "rows.jsonl"
    rows.write_text(json.dumps({"question": "Sky?", "answer": answer, "tests": "assert f()"}))
    (folder / "mine.yaml").write_text(
        TASK.format(rows=rows, scorer=scorer, repeats=repeats) + more, encoding="utf-8"
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


FIRST = """
filter_list:
  - name: first
    filter: [{function: take_first}]
"""


def test_a_filter_that_takes_the_answers_away_is_said_before_anything_runs(tmp_path: Path) -> None:
    says = r'"mine": its filter "first" leaves 1 of 5 answers, and its scorer needs 5: leave filt'
    with pytest.raises(SpecError, match=says):
        load(tmp_path, "{code: {k: [5]}}", repeats=5, allow=True, more=FIRST)
    assert load(tmp_path, "rule", repeats=5, more=FIRST).metric == "right"


def test_a_document_that_cannot_be_scored_is_named_before_anything_runs(tmp_path: Path) -> None:
    four = load(tmp_path, "{rule: {rule: number}}", answer="four")
    with pytest.raises(SpecError, match=r'^task "mine": document 0 cannot be scored: column "answ'):
        build_requests(four)
    with pytest.raises(SpecError, match=r"0 cannot be scored: its columns .* \(KeyError: 'gold'\)"):
        build_requests(load(tmp_path, "{rule: {accepted: gold}}"))


def picky(_: Any, doc: Any, answer: str) -> dict[str, float]:
    """Fails on long answers, and where a document has no limit on any."""
    if len(answer) > doc["limit"]:
        raise TypeError("too\nlong")
    return {"right": 1.0}


def test_an_answer_on_which_a_scorer_fails_is_wrong_and_noted() -> None:
    scorer = EachAnswer(options=None, score=picky, metrics=("right",), fault=lambda *_: "")
    with noting_faults() as faults:
        assert _score("t", scorer, {"limit": 3}, ["abcd"]) == {"right": 0.0}
        assert _score("t", scorer, {"limit": 3}, ["abc"]) == {"right": 1.0}
    assert faults == ["TypeError: too long"]
    with pytest.raises(TypeError):  # nobody would hear of it
        _score("t", scorer, {"limit": 3}, ["abcd"])


@pytest.mark.parametrize("doc", [{"limit": -1}, {}])
def test_a_fault_of_the_document_or_the_scorer_is_not_the_answers(doc: dict[str, int]) -> None:
    scorer = EachAnswer(options=None, score=picky, metrics=("right",), fault=lambda *_: "")
    with noting_faults() as faults, pytest.raises((TypeError, KeyError)):
        _score("t", scorer, doc, ["abcd"])
    assert not faults


def test_a_search_that_fails_names_its_task_and_its_pattern() -> None:
    rule = Rule(options=RuleOptions(rule="regex"))
    with noting_faults(), pytest.raises(SpecError, match=r"^task .t.: .* '\(' fails: missing \)"):
        _score("t", rule, {"answer": "("}, ["a"])
