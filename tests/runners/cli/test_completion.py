"""What a shell is told when the tabulator is pressed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.suites import suite_names
from runners.candidates.catalogue import candidate_names
from runners.cli.completion import VARIABLE, command

MAIN = [sys.executable, "-P", "-c", "from runners.cli import main; main()"]


def completed(line: str, **environment: str) -> list[str]:
    """The words offered for the last word of a line, which may be empty."""
    words = line.split(" ")
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        MAIN, env={**os.environ, **asked, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [word.partition(",")[2] for word in done.stdout.split()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_weighin(shell: str):
    done = CliRunner().invoke(command, [shell], standalone_mode=False)
    assert f"{VARIABLE}={shell}_complete" in done.stdout


def test_candidates_that_were_not_given_yet():
    first, *others = candidate_names()
    assert completed(f"weighin fetch {first} ") == others


def test_suites():
    assert completed("weighin fetch --suite ") == suite_names()


def test_a_path_is_left_to_the_shell():
    assert completed("weighin fetch ./mod") == ["./mod"]


def test_runs_of_the_store_that_is_named_the_newest_first(tmp_path: Path):
    for run_id in ("20260101T000000-a-1", "20260102T000000-b-2", "no-run"):
        (tmp_path / run_id).mkdir()
    offered = completed(f"weighin show --store {tmp_path} ")
    assert offered == ["20260102T000000-b-2", "20260101T000000-a-1"]
    assert completed(f"weighin export --store {tmp_path} 20260101") == offered[1:]


def test_commands():
    assert completed("weighin do") == ["doctor"]
