"""What commands say of the reference runs, byte for byte: a change of structure changes none of it.

After a change that is meant to change an output: WEIGHIN_WRITE_GOLDEN=1 pytest with this file, and
read the difference before it is committed.
"""

from __future__ import annotations

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
Q8, F16 = "smollm2-135m-instruct-q8_0", "smollm2-135m-instruct-f16"
COMMANDS = {
    "list-candidates": ["list", "candidates"],
    "list-suites": ["list", "suites"],
    "list-budgets": ["list", "budgets"],
    "list-runs": ["list", "runs", *STORE],
    "show": ["show", Q8, *STORE],
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


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_said(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("WEIGHIN_CACHE", str(here / "cache"))  # which candidates are here
    said = CliRunner().invoke(group, COMMANDS[name], standalone_mode=False)
    assert said.exception is None or isinstance(said.exception, SystemExit), said.output
    text = _without_the_moment(said.stdout)
    path = FOLDER / f"{name}.txt"
    if os.environ.get("WEIGHIN_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _without_the_moment(text: str) -> str:
    """A gate's report says when it was made."""
    return re.sub(r'("report_version": 1, "created_at": )"[^"]*"', r'\1"…"', text)
