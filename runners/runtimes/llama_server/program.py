"""Find the llama-server of this machine, and say which build it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from evals.errors import RuntimeFailure
from evals.fetch.cache import remembered_sha256, user_path
from runners.runtimes.llama_server.build import PROGRAM, built_folders
from runners.runtimes.packages import package
from runners.runtimes.spec import Program

VARIABLE = "WEIGHIN_LLAMA_SERVER"
"""Path of a llama-server, or the word `xllamacpp`."""
PACKAGE = "xllamacpp"
"""A wheel with llama.cpp's own server in it, compiled for any processor of the last ten years."""
MISSING = (
    "there is no llama-server: put one on the PATH, name it in WEIGHIN_LLAMA_SERVER, compile it "
    "with `make llama-server` in the checkout (5 minutes), or pip install weighin[xllamacpp]"
)
ANSWER_S = 20.0


def find_program() -> Program:
    """The first of: WEIGHIN_LLAMA_SERVER, PATH, compiled by `make llama-server`, xllamacpp.

    Raises:
        RuntimeFailure: there is none, or the one that was named does not answer.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen == PACKAGE:
        found = _wheel()
        if found is None:
            raise RuntimeFailure(f"{VARIABLE} is {PACKAGE}, which is not installed: pip install "
                                 f"weighin[{PACKAGE}]")  # fmt: skip
        return found
    if chosen:
        path = shutil.which(str(user_path(chosen)))
        if path is None:
            raise RuntimeFailure(f"{VARIABLE} is {chosen}, which is no program that can be run")
        return _file(Path(path))
    there = shutil.which(PROGRAM)
    built = next((folder / PROGRAM for folder in built_folders()), None)
    if there or built:
        return _file(Path(there) if there else built)  # type: ignore[arg-type]
    if (found := _wheel()) is not None:
        return found
    raise RuntimeFailure(MISSING)


def read_version(said: str) -> str:
    """The version in what llama-server says of itself, e.g. `0.5.0 (build 0, commit 0c1e570)`."""
    found = re.search(r"^version: (.+)$", said, re.MULTILINE)
    return found[1].strip()[:80] if found else ""


def _file(path: Path) -> Program:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeFailure(f"{path} does not start: {error}") from error
    said = done.stderr + done.stdout
    if done.returncode:
        why = said.strip().rpartition("\n")[2][:200]
        raise RuntimeFailure(f"{path} does not start (exit code {done.returncode}): {why}")
    hashed = remembered_sha256(path.resolve())
    return Program(command=(str(path),), build=(hashed,), version=read_version(said))


def _wheel() -> Program | None:
    """The server in xllamacpp, behind a few lines that read llama-server's arguments."""
    found = package(PACKAGE)
    if found is None:
        return None
    libraries = [file for file in found.files or () if file.suffix in (".so", ".pyd")]
    return Program(
        command=(sys.executable, "-P", "-m", "runners.runtimes.llama_server.wheel_server"),
        build=(found.version, *sorted(file.hash.value for file in libraries if file.hash)),
        version=f"{PACKAGE} {found.version}",
    )
