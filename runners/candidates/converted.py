"""Bring the folder that a runtime loads: fetched, or made here from a GGUF."""

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
from runners.candidates.hub_folder import KINDS, fetch_hub_folder
from runners.runtimes.converting import NOT_INSTALLED
from runners.runtimes.packages import installed
from runners.worker.last_words import last_words, signal_name

if TYPE_CHECKING:
    from evals.fetch.cache import Progress
    from runners.candidates.model_folder import ModelFolder
    from runners.candidates.spec import Candidate
    from runners.runtimes.spec import Converter, Format

_NOTE = "weighin.note"


def names_folder(candidate: Candidate) -> bool:
    """True if the weights are a folder already; False: they are a GGUF."""
    uri = candidate.weights
    if uri is None:
        return False
    if uri.startswith("hf:"):
        return "#" not in uri
    return not re.match(r"(pypi|https?):", uri) and _local(uri).is_dir()


def fetch_folder(
    uri: str, kind: Format, *, offline: bool, progress: Progress | None
) -> ModelFolder:
    """A folder of this machine, or a repository of the hub.

    Raises:
        ArtifactError: it is not there, or it is no model's folder.
    """
    if uri.startswith("hf:"):
        return fetch_hub_folder(uri, kind, offline=offline, progress=progress)
    return KINDS[kind].read(_local(uri), progress)


def _local(uri: str) -> Path:
    return user_path(uri.removeprefix("file:")).absolute()


def library_version(converter: Converter) -> str:
    """Who converts.

    Raises:
        RuntimeFailure: its package is not installed.
    """
    version = installed(converter.package)
    if version is None:
        raise RuntimeFailure(converter.missing)
    return f"{converter.package} {version}"


def convert(name: str, gguf: Path, sha256: str, type_name: str, converter: Converter) -> Path:
    """The folder that a GGUF was turned into, made once by each version of a converter.

    Args:
        name: the candidate's, for messages.
        gguf: the file.
        sha256: its hash, which names the folder.
        type_name: the type that most of its parameters have.
        converter: who makes it.

    Raises:
        RuntimeFailure: the converter is missing, or cannot read this file.
        ArtifactError: the cache cannot be written.
    """
    key = f"{sha256[:16]}-{library_version(converter).replace(' ', '-')}"
    target = cache_root() / "converted" / key
    try:
        if not _is_whole(target):
            with locked(short_key(str(target))):
                if not _is_whole(target):  # nobody made it while this one waited
                    _make(name, gguf, target, type_name, converter)
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


def _make(name: str, gguf: Path, target: Path, type_name: str, converter: Converter) -> None:
    with scratch() as folder:
        made = folder / target.name
        _run_converter(name, gguf, made, type_name, converter)
        write_json(made / _NOTE, {"files": _stamps(made)})
        target.parent.mkdir(parents=True, exist_ok=True)
        put_folder(made, target)


def _run_converter(name: str, gguf: Path, made: Path, type_name: str, converter: Converter) -> None:
    done = run_beside(converter.module, str(gguf), str(made), type_name)
    if done.returncode == 0 and made.is_dir():
        return
    reason = last_words(done.stderr) or f"exit code {done.returncode}"
    if done.returncode == NOT_INSTALLED:
        raise RuntimeFailure(f"{converter.missing} ({reason})")
    if done.returncode < 0:
        ended_by = signal_name(-done.returncode)
        doubt = " (out of memory?)" if ended_by == "SIGKILL" else ""
        reason = f"it was ended by {ended_by}{doubt}"
    raise RuntimeFailure(f"{name}: {converter.package} cannot convert the GGUF: {reason}")
