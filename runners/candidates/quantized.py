"""A GGUF quantised here by llama.cpp's own quantiser, made once and kept in the cache."""

from __future__ import annotations

import errno
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import ArtifactError, RuntimeFailure
from evals.fetch.artifact import Artifact
from evals.fetch.cache import (
    cache_root,
    is_as_noted,
    locked,
    read_json,
    scratch,
    sha256_of,
    short_key,
    stamp,
    write_json,
)
from evals.replacing import put_file
from runners.candidates.beside import run_beside
from runners.candidates.catalogue import slug
from runners.compute.machine import usable_cpus
from runners.runtimes.converting import NOT_INSTALLED
from runners.runtimes.llamacpp.advice import MISSING, REBUILD
from runners.runtimes.packages import installed
from runners.worker.last_words import last_words, signal_name

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate

_ILLEGAL_INSTRUCTION = {-int(signal.SIGILL), 0xC000001D}
"""Exit codes of an illegal instruction, on POSIX and on Windows."""


def quantiser_version() -> str:
    """Who quantises.

    Raises:
        RuntimeFailure: llama-cpp-python is not installed.
    """
    version = installed("llama-cpp-python")
    if version is None:
        raise RuntimeFailure(MISSING)
    return version


def quantised(candidate: Candidate, type_name: str, source: Artifact, version: str) -> Artifact:
    """The quantised file, made once: named by its source, its type and who made it.

    Raises:
        ArtifactError: it has not the hash that was asked for.
        RuntimeFailure: the quantiser failed.
        OSError: the cache cannot be written.
    """
    target = _target(candidate, type_name, source, version)
    found = _kept(target, candidate.sha256)
    if found:
        return found
    with locked(short_key(str(target))):
        found = _kept(target, candidate.sha256)
        if found:
            return found
        with scratch() as folder:
            made = folder / target.name
            _run_quantiser(candidate.name, source, made, type_name)
            digest = sha256_of(made)
            if candidate.sha256 not in (None, digest):
                raise ArtifactError(
                    f"{candidate.name}: quantised here it has sha256 {digest}, expected "
                    f"{candidate.sha256}; leave sha256 out: another CPU may round otherwise"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            put_file(made, target)
        seen = stamp(target)
        write_json(target.with_suffix(".json"), {"sha256": digest, **seen})
    return Artifact(uri=candidate.name, path=target, sha256=digest, bytes=seen["bytes"])


def kept(candidate: Candidate, type_name: str, source: Artifact, version: str) -> Artifact | None:
    """The quantised file where it was made before; nothing is made for the question."""
    return _kept(_target(candidate, type_name, source, version), candidate.sha256)


def _target(candidate: Candidate, type_name: str, source: Artifact, version: str) -> Path:
    key = f"{source.sha256[:16]}-{type_name}-{version}"
    return cache_root() / "quantized" / key / f"{slug(candidate.name)}.gguf"


def _kept(target: Path, sha256: str | None) -> Artifact | None:
    """The file of an earlier run, if it is still what it was; else it is made again."""
    path = target.with_suffix(".json")
    if not is_as_noted(target, path):
        return None
    note = read_json(path)
    if sha256 not in (None, note["sha256"]):
        return None
    return Artifact(uri=target.stem, path=target, sha256=note["sha256"], bytes=note["bytes"])


def _run_quantiser(name: str, source: Artifact, made: Path, type_name: str) -> None:
    threads = ("--threads", str(usable_cpus()))
    module = "runners.runtimes.llamacpp.quantize"
    done = run_beside(module, str(source.path), str(made), type_name, *threads)
    if done.returncode or not made.is_file():
        raise _quantiser_failure(name, type_name, done.returncode, done.stderr)


def _quantiser_failure(
    name: str, type_name: str, code: int, stderr: str
) -> RuntimeFailure | OSError:
    said = last_words(stderr)
    reason = said or f"exit code {code}"
    if code in _ILLEGAL_INSTRUCTION:
        return RuntimeFailure(
            f"{name}: llama-cpp-python died of an illegal instruction, so it was built for another "
            f"CPU: {REBUILD}"
        )
    if "No space left on device" in stderr:
        return OSError(errno.ENOSPC, "No space left on device")
    if code == NOT_INSTALLED:
        missing = "No module named" in reason
        return RuntimeFailure(MISSING if missing else f"{reason}; install it again: {REBUILD}")
    if code < 0:
        reason = f"it was ended by {signal_name(-code)}" + (
            " (out of memory?)" if code == -9 else f" ({said})" if said else ""
        )
    return RuntimeFailure(f"{name}: quantising to {type_name} failed: {reason}")
