"""A task's own Python counts as whole files, and nothing of what it makes is cached by name."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evals.suites import Suite, SuiteTask
from evals.tasks.code import own_code
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite

FILE = """\
task: own
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}, cache_dir: {cache}}}
test_split: test
output_type: multiple_choice
doc_to_text: q
doc_to_choice: [aye, nay]
doc_to_target: 0
process_docs: !function utils.prepare
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""
UTILS = "from words import word\n\n\ndef one(doc):\n    return {'q': word + doc['q']}\n\n\n"
UTILS += "def prepare(rows):\n    return rows.map(one)\n"


def write(folder: Path) -> Path:
    (folder / "own.jsonl").write_text("".join(json.dumps({"q": f" {n}"}) + "\n" for n in range(3)))
    (folder / "own.yaml").write_text(FILE.format(data=folder / "own.jsonl", cache=folder / "cache"))
    # The helper is found as a stranger's module finds it: by its own folder on the path.
    (folder / "utils.py").write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n" + UTILS)
    (folder / "words.py").write_text("word = 'OLD'\n")
    (folder / "unused.py").write_text("word = 'NONE'\n")
    return folder


def load(folder: Path) -> LoadedTask:
    (loaded,) = load_suite(
        Suite(name="s", tasks=(SuiteTask(task="own"),)), include=folder, trust_tasks=True
    )
    return loaded


@pytest.fixture(autouse=True)
def _path_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "words", raising=False)


def test_the_whole_file_and_what_it_imports_count(tmp_path: Path):
    folder = write(tmp_path)
    task = load(folder).task
    before = own_code(task)
    assert [name for name, _ in before] == ["utils: utils.py", "utils: words.py"]
    (folder / "unused.py").write_text("word = 'MORE'\n")
    assert own_code(task) == before
    (folder / "words.py").write_text("word = 'NEW'\n")
    changed = own_code(task)
    assert changed[0] == before[0]
    assert changed[1] != before[1]


def test_the_code_of_a_function_that_others_stand_before_counts(tmp_path: Path):
    folder = write(tmp_path)
    utils = (folder / "utils.py").read_text()
    late = "import functools\nprepare = functools.partial(functools.partial(prepare))\n"
    (folder / "utils.py").write_text(utils + late)
    assert [name for name, _ in own_code(load(folder).task)] == [
        "utils: utils.py", "utils: words.py",
    ]  # fmt: skip


def test_documents_that_are_shuffled_come_out_the_same_each_time(tmp_path: Path):
    folder = write(tmp_path)
    (folder / "own.jsonl").write_text("".join(f'{{"q": " {n}"}}\n' for n in range(20)))
    shuffled = "import random, numpy\ndef prepare(rows):\n    seed = random.randrange(10**6)\n"
    shuffled += "    return rows.shuffle(seed=seed + numpy.random.randint(10**6))\n"
    (folder / "utils.py").write_text(shuffled)
    asked = []
    for _ in range(2):
        task = load(folder)
        asked.append([item.identity for item in build_requests(task)])
        assert asked[-1] == [item.identity for item in build_requests(task)]
    assert asked[0] == asked[1] != sorted(asked[0])


def test_a_moved_folder_is_the_same_code(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "m.py").write_text("def f(doc):\n    return doc\n")
    found = [own_code(_task(folder / "m.py")) for folder in (one, two)]
    assert found[0] == found[1] != []


def test_imports_are_followed_within_the_folder_alone(tmp_path: Path):
    folder = tmp_path / "tasks"
    (folder / "deep" / "er").mkdir(parents=True)
    (tmp_path / "outside.py").write_text("")
    (folder / "m.py").write_text(
        "import json, outside, deep.er.leaf\nfrom . import near\n\n\ndef f(doc):\n    return doc\n"
    )
    (folder / "near.py").write_text("from m import f\nimport broken\n")
    (folder / "broken.py").write_text("def (:\n")
    (folder / "deep" / "__init__.py").write_text("")
    (folder / "deep" / "er" / "leaf.py").write_text("from .. import beside\n")
    (folder / "deep" / "beside.py").write_text("from ... import outside\n")
    (folder / "outside.py").symlink_to(tmp_path / "outside.py")
    names = [name.removeprefix("m: ") for name, _ in own_code(_task(folder / "m.py"))]
    assert names == [
        "broken.py", "deep/__init__.py", "deep/beside.py", "deep/er/leaf.py", "m.py", "near.py",
    ]  # fmt: skip


def test_lm_evals_own_functions_do_not_count():
    from lm_eval.tasks.hellaswag import utils

    metrics = [{"metric": "acc", "aggregation": len}]
    assert own_code(_with(process_docs=utils.process_docs, metric_list=metrics)) == []


def test_a_function_deep_in_the_settings_counts(tmp_path: Path):
    (tmp_path / "m.py").write_text("")
    function = _task(tmp_path / "m.py").config.process_docs
    filters = [{"name": "f", "filter": [{"function": functools.partial(function, doc=1)}]}]
    assert [name for name, _ in own_code(_with(filter_list=filters))] == ["m: m.py"]


def test_an_edited_process_docs_gives_new_prompts(tmp_path: Path):
    folder = write(tmp_path)
    assert [i.doc["q"] for i in build_requests(load(folder))] == ["OLD 0", "OLD 1", "OLD 2"]
    # The function's own text and name stay: what datasets would take for the same map.
    (folder / "utils.py").write_text((folder / "utils.py").read_text().replace("word +", "'NEW' +"))
    assert [i.doc["q"] for i in build_requests(load(folder))] == ["NEW 0", "NEW 1", "NEW 2"]


def _task(module: Path) -> Any:
    """A task of lm-eval's class whose one function is `f` of a module; no import of it is run."""
    names: dict[str, Any] = {}
    exec(compile("def f(doc):\n    return doc\n", module, "exec"), names)
    return _with(process_docs=names["f"])


def _with(**config: Any) -> Any:
    from lm_eval.api.task import ConfigurableTask

    task = object.__new__(ConfigurableTask)
    task._config = SimpleNamespace(**config)
    return task


def test_a_suite_says_which_ability_a_task_measures(tmp_path: Path):
    entry = SuiteTask(task="own", ability="tools")
    given = {"include": write(tmp_path), "trust_tasks": True}
    (loaded,) = load_suite(Suite(name="s", tasks=(entry,)), **given)  # type: ignore[arg-type]
    assert loaded.ability == "tools"
    with pytest.raises(ValueError, match="String should match pattern"):
        SuiteTask(task="own", ability="Tools")
