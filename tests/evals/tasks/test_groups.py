"""Groups: which row a task belongs to, and whether it counts there by its items, as in lm-eval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from evals.errors import SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.load import load_suite

UNWEIGHTED = "aggregate_metric_list: [{metric: acc, weight_by_size: false}]\n"
WEIGHTED = "aggregate_metric_list: {metric: acc}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tasks: one, two, three."""
    for name in ("one", "two", "three"):
        data = tmp_path / f"{name}.jsonl"
        data.write_text(json.dumps({"q": name, "o": ["a", "b"], "g": 0}) + "\n")
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({
            "task": name, "dataset_path": "json", "test_split": "test",
            "dataset_kwargs": {
                "data_files": {"test": str(data)}, "cache_dir": str(tmp_path / "c"),
            },
            "output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "o",
            "doc_to_target": "g", "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
        }))  # fmt: skip
    return tmp_path


def rows(folder: Path, metric: str | None = None, **groups: str) -> dict[str, tuple[str, bool]]:
    """Task -> its row, and whether it counts by its items there."""
    for name, text in groups.items():
        (folder / f"{name}.yaml").write_text(f"group: {name}\n{text}")
    suite = Suite(name="s", tasks=(SuiteTask(task="top", metric=metric),))
    return {t.name: (t.group, t.by_size) for t in load_suite(suite, include=folder)}


def test_a_group_says_how_its_tasks_count(folder: Path):
    found = rows(folder, top="task: [one, two]\n" + UNWEIGHTED)
    assert found == {"one": ("top", False), "two": ("top", False)}
    assert rows(folder, top="task: [one]\n" + WEIGHTED) == {"one": ("top", True)}
    assert rows(folder, top="task: [one]\n") == {"one": ("top", True)}


def test_the_outermost_group_that_aggregates_is_the_row(folder: Path):
    inner = "task: [one, two]\n" + UNWEIGHTED
    assert rows(folder, top="task: [inner, three]\n" + WEIGHTED, inner=inner) == {
        "one": ("top", True),
        "two": ("top", True),
        "three": ("top", True),
    }
    # lm-eval shows no number for a group without a list, and one for the group inside.
    assert rows(folder, top="task: [inner, three]\n", inner=inner) == {
        "one": ("inner", False),
        "two": ("inner", False),
        "three": ("top", True),
    }


def test_the_same_where_lm_eval_builds_the_group(folder: Path):
    # Members with settings of their own.
    changed = "task: [{task: one, num_fewshot: 0}, {group: inner}]\n"
    inner = "task: [two]\n" + UNWEIGHTED
    assert rows(folder, top=changed + WEIGHTED, inner=inner) == {
        "one": ("top", True),
        "two": ("top", True),
    }
    assert rows(folder, top=changed, inner=inner) == {"one": ("top", True), "two": ("inner", False)}


def test_the_entry_for_the_headline_metric_counts(folder: Path):
    top = (
        "task: [one]\naggregate_metric_list:\n"
        "  - {metric: acc, weight_by_size: false, filter_list: other}\n"
        "  - {metric: acc_norm, weight_by_size: false, filter_list: [none]}\n"
    )
    assert rows(folder, top=top) == {"one": ("top", True)}
    assert rows(folder, "acc_norm", top=top) == {"one": ("top", False)}


def test_a_wrong_list_is_one_line(folder: Path):
    with pytest.raises(SpecError, match=r'group "top": aggregate_metric_list: .*weighted'):
        rows(folder, top="task: [one]\naggregate_metric_list: [{metric: acc, weighted: 1}]\n")


def test_a_total_is_drawn_from_a_groups_tasks_by_their_sizes(folder: Path):
    for name, items in (("one", 9), ("two", 3)):
        rows = [{"q": f"{name} {n}", "o": ["a", "b"], "g": 0} for n in range(items)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "top.yaml").write_text("group: top\ntask: [one, two]\n" + WEIGHTED)

    def drawn(limit: int | None = None, **entry: int) -> list[int]:
        suite = Suite(name="s", tasks=(SuiteTask(task="top", **entry),))
        return [len(t.selection) for t in load_suite(suite, include=folder, limit=limit)]

    assert drawn(total=4) == [3, 1]
    assert drawn(total=100) == [9, 3]
    assert drawn(limit=2, total=4) == [2, 2]  # of the command line: items a task
    with pytest.raises(SpecError, match='"top": a total of 1 leaves no item to "two"'):
        drawn(total=1)
    with pytest.raises(ValueError, match=r"one of limit .* and total"):
        SuiteTask(task="top", limit=2, total=4)
