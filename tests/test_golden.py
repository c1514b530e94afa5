"""What commands say of the reference runs, byte for byte: a change of structure changes none of it.

After a change that is meant to change an output: WEIGHIN_WRITE_GOLDEN=1 pytest with this file, and
read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from runners.cli import group

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "data" / "golden"
STORE = ["--store", "reference"]
Q8, F16, Q2 = (f"smollm2-135m-instruct-{rung}" for rung in ("q8_0", "f16", "q2_k"))
COMMANDS = {
    "list-candidates": ["list", "candidates"],
    "list-suites": ["list", "suites"],
    "list-budgets": ["list", "budgets"],
    "list-runs": ["list", "runs", *STORE],
    "show": ["show", Q8, "--suite", "core", *STORE],
    "show-json": ["show", Q8, "--json", *STORE],
    "compare": ["compare", F16, Q8, *STORE],
    "compare-json": ["compare", F16, Q8, "--json", *STORE],
    "check": ["check", Q8, "--against", F16, *STORE],
    "check-json": ["check", Q8, "--against", F16, "--json", *STORE],
    "export-csv": ["export", *STORE],
    "ship": ["ship", *STORE],
    "ship-json": ["ship", "--json", "--prefer", "fastest", *STORE],
    "ship-markdown": ["ship", "--markdown", "--fidelity", "5%", *STORE],
    "ship-nothing": ["ship", "--memory", "240MiB", *STORE],
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the reference runs: `check` keeps its report beside them."""
    folder = tmp_path_factory.mktemp("golden")
    hidden = shutil.ignore_patterns(".*", "gates")
    shutil.copytree(ROOT / "results" / "reference", folder / "reference", ignore=hidden)
    return folder


@pytest.fixture(scope="module")
def two_suites(here: Path) -> Path:
    """The same, and beside it a store where two candidates were asked another suite afterwards."""
    store = here / "two" / "reference"
    shutil.copytree(here / "reference", store)
    for day, name in enumerate((Q8, Q2), 1):
        source = max(path for path in store.glob(f"*-{name}-*") if scored(path))
        run_id = f"202612{day:02}T000000-{name}-deadbeef"
        shutil.copytree(source, store / run_id)
        record = json.loads((source / "record.json").read_text(encoding="utf-8"))
        suite = {**record["suite"], "name": "other", "version": 1, "digest": "b" * 64}
        content = json.dumps({**record, "run_id": run_id, "suite": suite})
        (store / run_id / "record.json").write_text(content, encoding="utf-8")
    return store.parent


def scored(folder: Path) -> bool:
    """True for a run that answered core."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return record["suite"]["name"] == "core" and bool(record["accuracy"])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_said(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(COMMANDS[name], here, here, monkeypatch)
    path = FOLDER / f"{name}.txt"
    if os.environ.get("WEIGHIN_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["check", "ship"])
def test_runs_on_another_suite_change_no_answer(
    name: str, here: Path, two_suites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(COMMANDS[name], two_suites, here, monkeypatch)
    assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_a_candidate_is_shown_on_the_suite_that_is_named(
    here: Path, two_suites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = said(["show", Q8, *STORE], two_suites, here, monkeypatch)
    assert newest.startswith(f"{Q8} \N{MIDDLE DOT} other (version 1)")
    assert f"also measured on core: weighin show {Q8} --suite core\n" in newest
    shown = said(COMMANDS["show"], two_suites, here, monkeypatch)
    line = f"also measured on other: weighin show {Q8} --suite other\n"
    assert shown.replace(line, "") == (FOLDER / "show.txt").read_text(encoding="utf-8")


def said(command: list[str], folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("WEIGHIN_CACHE", str(here / "cache"))  # which candidates are here
    done = CliRunner().invoke(group, command, standalone_mode=False)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return _without_the_moment(done.stdout)


def _without_the_moment(text: str) -> str:
    """A gate's report says when it was made."""
    return re.sub(r'("report_version": 1, "created_at": )"[^"]*"', r'\1"…"', text)
