"""`--runtime llama-server` needs no file, and the dry run says what it would start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evals.errors import SpecError
from runners.candidates.spec import Candidate
from runners.cli.run import command
from runners.cli.trust import refuse_code
from runners.runtimes.llama_server import program
from runners.runtimes.llama_server.program import VARIABLE
from runners.runtimes.llama_server.spec import LlamaServerSettings


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


@pytest.mark.parametrize(
    ("given", "odd"),
    [
        ((), ""),
        (("-sm", "none", "-b", "-1", "-ot", "exps=CPU", "--no-mmap"), ""),
        (("-b", "64", "--log-file", "notes.txt"), "--log-file"),
        (("--host", "0.0.0.0", "--agent"), "--host"),
        (("--agent",), "--agent"),
        (("--tools=all",), "--tools"),
        (("-hf", "somebody/model"), "-hf"),
    ],
)
def test_arguments_that_do_more_than_compute_need_trust(given: tuple[str, ...], odd: str):
    content = {
        "name": "x",
        "weights": "x.gguf",
        "runtime": "llama-server",
        "settings": {"arguments": given},
    }
    candidate = Candidate.model_validate(content)
    refuse_code(candidate, trusted=True)
    if not odd:
        refuse_code(candidate, trusted=False)
        return
    with pytest.raises(SpecError, match=f"gives llama-server {odd}, .*--trust-remote-code"):
        refuse_code(candidate, trusted=False)


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        (("-ngl", "99"), "gpu_layers"),
        (("-b", "64", "--gpu-layers", "99"), "gpu_layers"),
        (("--n_gpu_layers", "99"), "gpu_layers"),  # llama-server reads it as --n-gpu-layers
        (("--gpu-layers=99",), "gpu_layers"),
        (("-dev", "CUDA0"), "device"),
        (("--device", "none"), "device"),
        (("-mg", "1"), "device"),
    ],
)
def test_the_gpu_is_asked_for_by_settings_alone(given: tuple[str, ...], setting: str):
    # Beside `-ngl 0 -dev none` it would do nothing, or go to a GPU that nobody watches.
    with pytest.raises(ValueError, match=f"by the setting {setting}: set {setting} instead"):
        LlamaServerSettings.model_validate({"arguments": given})
