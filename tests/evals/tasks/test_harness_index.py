"""What is kept of lm-eval's index is what it would read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.tasks.harness_index import _keep, _kept_in, _read, config_of

TASK = "task: one\ndataset_path: some/data\ntag: both\nunsafe_code: true\n"
GROUP = "group: pair\ntask: [one, two]\nmetadata: {version: 1.0}\n"
OTHER = "task: two\nclass: !function other.Two\ntag: both\n"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder of a task, a group, and a task in Python; a tag follows from the first."""
    for name, text in {"one": TASK, "pair": GROUP, "in/two": OTHER}.items():
        file = tmp_path / "tasks" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "tasks"


def read_by_lm_eval(tasks: Path) -> dict[str, Any]:
    from lm_eval.tasks._index import TaskIndex

    return TaskIndex.build([tasks])


def test_it_comes_back_as_it_was(tasks: Path, tmp_path: Path) -> None:
    index, kept = read_by_lm_eval(tasks), tmp_path / "cache" / "index.json"
    _keep(kept, index, tasks)
    again = _read(kept, tasks)
    assert again is not None
    assert {*again} == {"one", "two", "pair", "both"}
    for name, entry in index.items():
        found = again[name]
        assert (found.kind, found.yaml_path, found.tags) == (
            entry.kind, entry.yaml_path, entry.tags,
        )  # fmt: skip
        assert config_of(found) == (entry.cfg or {})
    assert again["both"].tags == {"one", "two"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"tasks": {}}', '{"tasks": 3}', '{"tasks": {"one": ["TASK"]}}',
     '{"tasks": {"one": ["NO KIND", "one.yaml", [], null]}}'],
)  # fmt: skip
def test_what_is_damaged_is_read_anew(tasks: Path, tmp_path: Path, text: str) -> None:
    kept = tmp_path / "index.json"
    kept.write_text(text)
    assert _read(kept, tasks) is None


def test_a_cache_that_cannot_be_written_is_no_error(tasks: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    _keep(tmp_path / "cache" / "index.json", read_by_lm_eval(tasks), tasks)
    assert _read(tmp_path / "cache" / "index.json", tasks) is None


def test_each_place_and_release_has_its_own(tmp_path: Path) -> None:
    first, second = _kept_in(tmp_path / "a"), _kept_in(tmp_path / "b")
    assert first is not None
    assert second is not None
    assert first.name.startswith("lm-eval-0.4")
    assert first != second
