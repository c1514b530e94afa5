"""Which llama-server is taken, and what of its flags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RuntimeFailure
from evals.fetch.cache import cache_root
from runners.doctor.software import program_check
from runners.runtimes.llama_server import program
from runners.runtimes.llama_server.command import arguments
from runners.runtimes.llama_server.program import VARIABLE, find_program, read_version
from runners.runtimes.llama_server.spec import SPEC
from runners.worker.runtime import WorkerError

NEW = (
    "-fa, --flash-attn [on|off|auto]  -lm, --load-mode MODE  --repack, -nr, --no-repack "
    "--cache-prompt, --no-cache-prompt  -cram, --cache-ram N  -fit, --fit [on|off]  --no-ui "
    "--offline  -a, --alias STRING  -lv, --verbosity N"
)
OLD = "-fa, --flash-attn  --no-mmap  -lv N"
USUAL: dict[str, Any] = {
    "context": None, "threads": 2, "kv_cache_type": "f16", "mmap": True, "repack": True,
    "gpu_layers": 0, "device": "auto", "arguments": (),
}  # fmt: skip


def script(path: Path, said: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any llama-server."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(program, "package", lambda _: None)
    return tmp_path


def test_one_that_is_named_comes_before_one_on_the_path_and_one_that_was_built(
    bare: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(RuntimeFailure, match=r"there is no llama-server: put one on the PATH"):
        find_program()
    (check,) = program_check(SPEC)
    assert (check.status, check.found) == ("limited", "there is no llama-server")

    built = script(cache_root() / "builds" / "llama-server-0.3.36" / "llama-server", "version: 1")
    assert find_program().command == (str(built),)
    on_path = script(bare / "bin" / "llama-server", "version: 2 (x)")
    assert find_program().command == (str(on_path),)
    named = script(bare / "mine", "version: 3")
    monkeypatch.setenv(VARIABLE, str(named))
    found = find_program()
    assert (found.command, found.version) == ((str(named),), "3")
    (check,) = program_check(SPEC)
    assert (check.status, check.found) == ("ok", f"3, {named}")

    before = found.build
    script(named, "version: 3 again")
    os.utime(named, ns=(1, 1))
    assert find_program().build != before  # another file is another build


def test_one_that_does_not_start_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch):
    broken = script(bare / "mine", "error while loading shared libraries: libllama.so", code=127)
    monkeypatch.setenv(VARIABLE, str(broken))
    with pytest.raises(RuntimeFailure, match=r"does not start \(exit code 127\): error while load"):
        find_program()


def test_the_wheel_is_asked_for_by_its_name(bare: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "xllamacpp")
    with pytest.raises(RuntimeFailure, match="xllamacpp, which is not installed: pip install"):
        find_program()


def test_the_version_that_it_says():
    said = "version: 0.5.0-dev (build 0, commit 0c1e570)\nbuilt with GNU 12.2.0 for Linux x86_64\n"
    assert read_version(said) == "0.5.0-dev (build 0, commit 0c1e570)"
    assert read_version("usage: llama-server") == ""


def test_the_command_of_a_build_of_today():
    assert arguments(USUAL, NEW, repacks=True) == [
        "-m", "{weights}", "--host", "127.0.0.1", "--port", "{port}", "-c", "4096", "-t", "2",
        "-np", "1", "-fa", "on", "-ctk", "f16", "-ctv", "f16", "-ngl", "0", "--no-cache-prompt",
        "-cram", "0", "--fit", "off", "--no-ui", "--offline", "--alias", "weights", "-lv", "2",
    ]  # fmt: skip


def test_flags_that_an_older_build_lacks_are_left_out():
    found = arguments(USUAL, OLD, repacks=True)
    assert found[12:] == ["-fa", "-ctk", "f16", "-ctv", "f16", "-ngl", "0", "-lv", "2"]


@pytest.mark.parametrize(
    ("changed", "text", "repacks", "ends"),
    [
        ({"mmap": False}, NEW, True, ["-ngl", "0", "-lm", "none"]),
        ({"mmap": False}, OLD, True, ["-ngl", "0", "--no-mmap"]),
        ({"repack": False}, NEW, True, ["-ngl", "0", "--no-repack"]),
        ({}, NEW, False, ["-ngl", "0", "--no-repack"]),
    ],
)
def test_settings_as_flags(changed: dict[str, Any], text: str, repacks: bool, ends: list[str]):
    found = arguments({**USUAL, **changed}, text, repacks=repacks)
    start = found.index("-ngl")
    assert found[start : start + len(ends)] == ends


def test_an_f32_cache_does_without_flash_attention():
    told = {**USUAL, "kv_cache_type": "f32", "context": 512, "arguments": ("-ub", "256")}
    found = arguments(told, NEW, repacks=True)
    assert found[found.index("-fa") + 1] == "off"
    assert found[found.index("-c") + 1] == "512"
    assert found[-2:] == ["-ub", "256"]  # the last of two counts


def test_a_build_that_cannot_do_as_it_is_told():
    with pytest.raises(WorkerError, match="has no --no-repack, which `repack: false` needs"):
        arguments({**USUAL, "repack": False}, OLD, repacks=True)
