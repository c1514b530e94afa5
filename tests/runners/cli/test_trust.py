"""`--trust-tasks` and `--trust-remote-code`: one line without them, on every command that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from runners.cli import _run

COMMANDS = (["run"], ["fit"], ["check", "--rerun", "--against"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a task that names a function, and two candidates of which one brings code."""
    monkeypatch.chdir(tmp_path)
    fake = {"name": "fake", "runtime": "fake", "settings": {"threads": 1}}
    code = {
        "name": "code",
        "runtime": "hf",
        "weights": "x",
        "settings": {"trust_remote_code": True},
    }
    for one in (fake, code):
        (tmp_path / f"{one['name']}.yaml").write_text(yaml.safe_dump(one))
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(json.dumps({"q": "1?", "a": "x"}) + "\n")
    task: dict[str, Any] = {
        "task": "called", "dataset_path": "json", "test_split": "test", "doc_to_text": "q",
        "dataset_kwargs": {
            "data_files": {"test": str(folder / "rows.jsonl")}, "cache_dir": str(tmp_path / "c"),
        },
        "doc_to_target": "a", "output_type": "generate_until",
        "generation_kwargs": {"until": ["."], "max_gen_toks": 2},
        "metric_list": [{"metric": "hit", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    text = yaml.safe_dump(task) + "process_results: !function utils.score\n"
    (folder / "called.yaml").write_text(text)
    (folder / "utils.py").write_text("def score(doc, results):\n    return {'hit': 1.0}\n")
    return tmp_path


def ended(*args: str) -> int:
    return _run(list(args))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_a_models_own_code_needs_the_command_line(
    here: Path, capsys: pytest.CaptureFixture[str], command: list[str]
):
    other = ["fake.yaml"] if command[0] == "check" else []
    assert ended(*command, *other, "code.yaml", "--tasks", "arc_easy", "--store", "s") == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "candidate code: settings.trust_remote_code runs Python" in line
    assert "--trust-remote-code if you trust its author" in line


def test_a_folders_functions_need_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]):
    asked = ["run", "fake.yaml", "--tasks", "called", "--include", "tasks", "--store", "s"]
    assert ended(*asked) == 3
    assert "--trust-tasks if you trust" in capsys.readouterr().err.splitlines()[-1]
    assert ended(*asked, "--trust-tasks", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["accuracy"]["called"]["value"] == 1.0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_a_file_alone_starts_no_program(
    here: Path, capsys: pytest.CaptureFixture[str], command: list[str]
):
    mark = here / "started"
    content = {"name": "own", "serve": ["/bin/sh", "-c", f"touch {mark}", "{port}"]}
    (here / "own.yaml").write_text(yaml.safe_dump(content))
    other = ["fake.yaml"] if command[0] == "check" else []
    assert ended(*command, *other, "own.yaml", "--tasks", "arc_easy", "--store", "s") == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "candidate own: serve starts the program /bin/sh with your rights" in line
    assert "--trust-remote-code if you trust its author" in line
    assert not mark.exists()
