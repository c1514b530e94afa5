"""`--runtime llama-server` needs no file, and the dry run says what it would start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from runners.cli.run import command
from runners.runtimes.llama_server import program
from runners.runtimes.llama_server.program import VARIABLE

if TYPE_CHECKING:
    import pytest


def dry(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [*arguments, "--dry-run", "--json"], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    content: dict[str, Any] = json.loads(done.output)
    return content


def test_a_file_and_a_word_are_a_candidate(
    weights: Path, served: Callable[..., None], tmp_path: Path
):
    served()
    (job,) = dry(str(weights), "--runtime", "llama-server", "--store", str(tmp_path))["jobs"]
    assert job["candidate"] == "tiny-llama-server"
    assert job["starts"] == f"starts {tmp_path / 'llama-server'} (7 (mock))"


def test_without_a_server_the_dry_run_says_what_to_do(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, "xllamacpp")
    monkeypatch.setattr(program, "package", lambda _: None)
    (job,) = dry(str(weights), "--runtime", "llama-server", "--store", str(tmp_path))["jobs"]
    assert "which is not installed: pip install weighin[xllamacpp]" in job["starts"]
