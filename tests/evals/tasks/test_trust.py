"""A stranger's task folder: what is read, what is refused without trust, what never runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import lm_eval.tasks
import pytest
import yaml

from evals.errors import SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.files import MAX_BYTES, read_task_file
from evals.tasks.items import build_requests
from evals.tasks.load import LoadedTask, load_suite

ROWS = [{"q": f"{n}?", "options": ["a", "b"], "gold": 1} for n in range(3)]
RUNS = "open({mark!r}, 'w')\n\n\ndef docs(rows):\n    return rows\n"
METRICS = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the data of tasks, and Python that leaves a mark when it runs."""
    (tmp_path / "tasks").mkdir()
    rows = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "tasks" / "rows.jsonl").write_text(rows)
    (tmp_path / "tasks" / "utils.py").write_text(RUNS.format(mark=str(tmp_path / "RAN")))
    return tmp_path / "tasks"


def write(folder: Path, name: str = "t", extra: str = "", **changes: Any) -> None:
    kwargs = {
        "data_files": {"test": str(folder / "rows.jsonl")},
        "cache_dir": str(folder / "cache"),
    }
    config = {
        "task": name, "dataset_path": "json", "dataset_kwargs": kwargs, "test_split": "test",
        "output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "options",
        "doc_to_target": "gold", "metric_list": METRICS, **changes,
    }  # fmt: skip
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config) + extra)


def load(folder: Path, name: str = "t", *, trust: bool = False) -> list[LoadedTask]:
    suite = Suite(name="s", tasks=(SuiteTask(task=name),))
    return load_suite(suite, include=folder, trust_tasks=trust)


def refused(folder: Path, name: str = "t") -> str:
    with pytest.raises(SpecError) as caught:
        load(folder, name)
    assert "\n" not in str(caught.value)
    assert not (folder.parent / "RAN").exists()
    return str(caught.value)


def test_a_function_needs_trust(folder: Path):
    write(folder, extra="process_docs: !function utils.docs\n")
    assert refused(folder) == (
        f'{folder / "t.yaml"}: task "t" names Python of its own (!function utils.docs), which '
        "would run with your rights; --trust-tasks if you trust whoever wrote this folder "
        "(docs/trust.md)"
    )
    load(folder, trust=True)
    assert (folder.parent / "RAN").exists()


def test_other_tasks_of_the_folder_are_not_refused(folder: Path):
    write(folder, "called", extra="process_docs: !function utils.docs\n")
    write(folder)
    (loaded,) = load(folder)
    assert next(item.instances[0].args for item in build_requests(loaded)) == ("0?", " a")
    assert not (folder.parent / "RAN").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric_list": [{"metric": "./evil"}]}, "a metric that lm-eval does not have (./evil)"),
        (
            {"metric_list": [{"metric": "acc", "hf_evaluate": True}]},
            "a metric that lm-eval does not have (acc)",
        ),
        ({"use_prompt": "prompts.yaml:p"}, "uses a prompt library (use_prompt)"),
        ({"process_results": None}, "takes a scoring function away"),
        ({"custom_dataset": "x"}, "a function that makes its data (custom_dataset)"),
    ],
)
def test_what_runs_code_without_a_function_needs_trust(
    folder: Path, changes: dict[str, Any], said: str
):
    write(folder, **changes)
    assert said in refused(folder)


def test_an_include_from_elsewhere_needs_trust(folder: Path):
    outside = folder.parent / "outside.yaml"
    outside.write_text("description: secret\n")
    write(folder, include=str(outside))
    assert f"includes {outside}, which lies outside of its folder" in refused(folder)
    write(folder, include="../outside.yaml")
    assert "includes ../outside.yaml, which lies outside" in refused(folder)
    (folder / "link.yaml").symlink_to(outside)
    write(folder, include="link.yaml")
    assert "includes link.yaml, which lies outside" in refused(folder)
    (loaded,) = load(folder, trust=True)
    assert loaded.task.config.description == "secret"


def test_includes_of_the_folder_and_of_lm_eval_are_free(folder: Path):
    (folder / "part.yaml").write_text("description: inside\n")
    # Its functions are lm-eval's own; a member that is never asked for is never built.
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.yaml").write_text(f"include: {_official()}\ntask: mine\n")
    found = read_task_file(folder / "sub" / "mine.yaml", folder, trusted=False)
    assert (found.asks, found.config["task"]) == ((), "mine")
    write(folder, include=str(folder / "part.yaml"))
    (loaded,) = load(folder)
    assert loaded.task.config.description == "inside"


def _official() -> Path:
    """A file of lm-eval's that names functions."""
    return Path(lm_eval.tasks.__file__).parent / "hellaswag" / "hellaswag.yaml"


def test_a_group_is_refused_for_its_members(folder: Path):
    write(folder, "called", extra="process_docs: !function utils.docs\n")
    # Members that the group changes are built by lm-eval in one go.
    (folder / "g.yaml").write_text("group: g\ntask: [{task: called, num_fewshot: 0}]\n")
    assert "called.yaml" in refused(folder, "g")
    (folder / "tagged.yaml").write_text(
        (folder / "called.yaml").read_text().replace("task: called", "task: tagged\ntag: all")
    )
    assert "tagged.yaml" in refused(folder, "all")


def test_templates_leave_this_process(folder: Path):
    mark = folder.parent / "RAN"
    call = f"{{{{ cycler.__init__.__globals__.os.system('touch {mark}') }}}}"
    write(folder, doc_to_text=call)
    assert "fails: access to attribute" in refused(folder)
    load(folder, trust=True)
    assert mark.exists()


def test_a_template_that_takes_too_much_is_one_line(folder: Path):
    write(folder, doc_to_text="{{ ('x' * 4000000).replace('x', 'y' * 1000) }}")
    said = refused(folder)
    assert said.startswith(f'{folder / "t.yaml"}: task "t" cannot be built: ')
    assert said.endswith("takes more memory than 512 MiB")


def test_a_strangers_prompts_are_those_that_lm_eval_makes(folder: Path):
    write(
        folder,
        doc_to_text="Q: {{q}}\nA:", doc_to_choice="{{options}}", doc_to_target="{{gold}}",
        description="Pick. ", num_fewshot=0,
    )  # fmt: skip
    found = []
    for trust in (False, True):
        (loaded,) = load(folder, trust=trust)
        found.append([(i.identity, i.target, i.chance) for i in build_requests(loaded)])
    assert found[0] == found[1]
    assert found[0][0][1:] == (1, 0.5)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nmetric_list: [*b]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: t\n" + BOMB, "YAML aliases (*name) are not allowed"),
        ("[" * 200 + "]" * 200, "nested more than 100 deep"),
        ("- a\n", "it holds no keys and values"),
        ("task: !!python/name:os.system x\n", "not a task file: ConstructorError"),
        ("task: t\ninclude: nowhere.yaml\n", "nowhere.yaml: not a task file: FileNotFoundError"),
        ("task: t\ninclude: t.yaml\n", "includes itself"),
        ("x: " + "y" * MAX_BYTES, "is larger than 4,194,304 bytes"),
    ],
)
def test_a_file_that_is_no_task_is_named(folder: Path, text: str, said: str):
    (folder / "t.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        read_task_file(folder / "t.yaml", folder, trusted=False)
    assert said in str(caught.value)
    assert str(folder / "t.yaml") in str(caught.value) or "nowhere" in str(caught.value)
    # It hides no other.
    write(folder, "other")
    assert len(load(folder, "other")) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(folder: Path):
    os.mkfifo(folder / "pipe.yaml")
    write(folder)
    assert len(load(folder)) == 1
