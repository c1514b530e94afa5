"""Groups of lm-eval's results: rows, and whether tasks count there by their items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leaderboard.rows.score import score_of_part
from runners.exchange.lm_eval import read_results
from runners.exchange.lm_eval_groups import row_of_tasks, with_weights
from runners.records.record import TaskAccuracy


def task(group: str, value: float | None, n: int, metric: str = "acc") -> TaskAccuracy:
    return TaskAccuracy(
        group=group, metric=metric, value=value, stderr=None, n=n, asked=n, chance=None,
        num_fewshot=0, higher_is_better=True, metrics={},
    )  # fmt: skip


# 10 items at 0.2 and 2 at 0.8: (2 + 1.6) / 12 = 0.3 by items, 0.5 by tasks.
SMALL = {"a": task("g", 0.2, 10), "b": task("g", 0.8, 2)}


@pytest.mark.parametrize(
    ("mean", "by_size"), [(0.3, True), (0.5, False), (0.41, True), (None, True)]
)
def test_the_groups_own_mean_says_how_tasks_count(mean: float | None, by_size: bool):
    listed = {} if mean is None else {"acc,none": mean, "acc_stderr,none": 0.5, "alias": "g"}
    for content in (
        {"results": {}, "groups": {"g": listed}},
        {"results": {"g": listed}},
    ):
        assert {t.by_size for t in with_weights(content, SMALL).values()} == {by_size}


def test_of_tasks_of_one_size_nothing_can_be_told_and_nothing_hangs_on_it():
    equal = {"a": task("g", 0.2, 5), "b": task("g", 0.8, 5)}
    content = {"results": {}, "groups": {"g": {"acc,none": 0.5}}}
    assert all(t.by_size for t in with_weights(content, equal).values())


def test_a_metric_with_a_filter_and_a_task_without_a_value():
    content = {"results": {}, "groups": {"g": {"em,strict": 0.5}}}
    named = {k: t.model_copy(update={"metric": "em,strict"}) for k, t in SMALL.items()}
    assert not any(t.by_size for t in with_weights(content, named).values())
    named["c"] = task("g", None, 0, "em,strict")
    assert all(t.by_size for t in with_weights(content, named).values())


def test_a_task_alone_is_no_group():
    content: dict[str, Any] = {"results": {"a": {"acc,none": 0.2}}}
    assert with_weights(content, {"a": task("a", 0.2, 3)})["a"].by_size


def test_rows_of_nested_groups():
    nested = {"top": ["inner", "c"], "inner": ["a", "b"]}
    none = {"group_subtasks": nested, "results": {"top": {"alias": "top"}, "inner": {}}}
    assert row_of_tasks(none) == {"inner": "top", "c": "top", "a": "top", "b": "top"}
    inside = {**none, "groups": {"inner": {"acc,none": 0.5}}}
    assert {k: row_of_tasks(inside)[k] for k in "abc"} == {"a": "inner", "b": "inner", "c": "top"}
    both = {**none, "groups": {"inner": {"acc,none": 0.5}, "top": {"acc,none": 0.5}}}
    assert set(row_of_tasks(both).values()) == {"top"}


def test_a_circle_of_groups_ends():
    circle = {"group_subtasks": {"x": ["y"], "y": ["x"]}, "results": {}}
    assert row_of_tasks(circle) == {"y": "x", "x": "y"}


@pytest.mark.parametrize(("mean", "value", "by_size"), [(0.2, 0.2, True), (0.5, 0.5, False)])
def test_an_imported_group_has_lm_evals_own_value(
    tmp_path: Path, mean: float, value: float, by_size: bool
):
    # 8 items at 0 and 2 at 1: 0.2 by items, 0.5 by tasks.
    sizes, scores = {"a": 8, "b": 2}, {"a": 0.0, "b": 1.0}
    results = {name: {"acc,none": score, "alias": name} for name, score in scores.items()}
    content = {
        "results": {**results, "g": {"acc,none": mean, "alias": "g"}},
        "groups": {"g": {"acc,none": mean, "alias": "g"}},
        "group_subtasks": {"g": ["a", "b"]},
        "configs": {name: {"output_type": "multiple_choice"} for name in sizes},
        "n-samples": {name: {"original": n, "effective": n} for name, n in sizes.items()},
        "higher_is_better": {name: {"acc": True} for name in sizes},
        "n-shot": {}, "versions": {}, "date": 1e9, "lm_eval_version": "0.4.13",
        "config": {"model": "dummy"}, "model_name": "m", "model_source": "dummy",
    }  # fmt: skip
    path = tmp_path / "results_x.json"
    path.write_text(json.dumps(content))
    found = read_results(
        path, name=None, new_run_id=lambda *_: "20260101T000000-m-00000000", command="import"
    )
    tasks = found.record.accuracy
    assert {task.by_size for task in tasks.values()} == {by_size}
    assert score_of_part("g", tasks).value == pytest.approx(value)
