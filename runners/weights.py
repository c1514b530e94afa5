"""Candidate -> the file that its runtime loads: fetched, or quantised here, then read."""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evals import catalogue
from evals.artifacts import Artifact, Progress, fetch
from evals.cache import (
    cache_root,
    disk_error,
    locked,
    read_json,
    scratch,
    sha256_of,
    short_key,
    write_json,
)
from evals.errors import ArtifactError, RuntimeFailure, SpecError
from evals.gguf_header import GgufHeader, Quantisation, quantisation, read_header
from runners.measure.machine import usable_cpus
from runners.packages import installed
from runners.worker.advice import MISSING, REBUILD
from runners.worker.quantize import NOT_INSTALLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from evals.specs import Candidate

MAX_LADDER = 4
"""Quantised from quantised from …: further is a circle."""
_ILLEGAL_INSTRUCTION = {-int(signal.SIGILL), 0xC000001D}
"""As POSIX and Windows report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A candidate's weights, and what their file says. Runtime `fake` has none: all is empty."""

    path: Path | None
    sha256: str | None
    bytes: int
    verified: bool
    """The file, or the one that it was made from, has the hash that its author pinned."""
    source_uri: str | None
    made_from: str | None
    """The source candidate and its quantisation, where the weights were quantised here."""
    quantisation: Quantisation | None
    parameters: int | None
    architecture: str | None
    chat_template: bool
    """The file carries one."""
    trained_context: int | None
    """In tokens."""


def resolve(
    candidate: Candidate,
    *,
    accepted: frozenset[str] = frozenset(),
    offline: bool = False,
    progress: Progress | None = None,
    find: Callable[[str], Candidate] = catalogue.find_candidate,
) -> Weights:
    """Bring a candidate's weights here.

    Args:
        candidate: what to fetch or make.
        accepted: the licence gates that the user accepts.
        offline: use what is here and nothing else; quantising needs no network.
        progress: told of transfers as they go.
        find: looks up the candidate that one is quantised from.

    Raises:
        ArtifactError: not fetched, not what was expected, or its licence is not accepted.
        RuntimeFailure: the quantiser is missing or failed.
        SpecError: the candidate that it is made from does not exist, or is made from this one.
    """
    return _resolve(candidate, accepted, offline, progress, find, ())


def _resolve(
    candidate: Candidate,
    accepted: frozenset[str],
    offline: bool,
    progress: Progress | None,
    find: Callable[[str], Candidate],
    above: tuple[str, ...],
) -> Weights:
    _check_licence(candidate, accepted)
    if candidate.runtime == "fake":
        return no_weights()
    if candidate.quantize is None:
        artifact = fetch(
            candidate.weights or "",
            sha256=candidate.sha256,
            packages_sha256=candidate.packages_sha256,
            offline=offline,
            progress=progress,
        )
        pinned = candidate.sha256 is not None
        return _describe(artifact, verified=pinned, source_uri=artifact.uri, made_from=None)
    above = (*above, candidate.name)
    wanted = candidate.quantize.source
    if wanted in above or len(above) > MAX_LADDER:
        raise SpecError(f"{candidate.name}: is quantised in a circle: {' from '.join(above)}")
    version = installed("llama-cpp-python")
    if version is None:
        raise RuntimeFailure(MISSING)
    source = _resolve(find(wanted), accepted, offline, progress, find, above)
    try:
        artifact = _quantised(candidate, candidate.quantize.type, source, version)
    except OSError as error:
        raise disk_error(candidate.name, error) from error
    made_from = f"{wanted} ({source.quantisation.name})" if source.quantisation else wanted
    return _describe(
        artifact, verified=source.verified, source_uri=source.source_uri, made_from=made_from
    )


def _check_licence(candidate: Candidate, accepted: frozenset[str]) -> None:
    gate = candidate.licence_gate
    if gate and gate not in accepted:
        terms = re.search(r"https://\S+", candidate.licence)
        where = terms[0].rstrip(".,;)") if terms else candidate.licence or "ask its author"
        raise ArtifactError(
            f"{candidate.name}: its licence must be accepted first: "
            f"add --accept-license {gate} (terms: {where})"
        )


def no_weights() -> Weights:
    """What stands for weights where there are none: the runtime `fake`, or a failed fetch."""
    return Weights(
        path=None,
        sha256=None,
        bytes=0,
        verified=False,
        source_uri=None,
        made_from=None,
        quantisation=None,
        parameters=None,
        architecture=None,
        chat_template=False,
        trained_context=None,
    )


def _describe(
    artifact: Artifact, *, verified: bool, source_uri: str | None, made_from: str | None
) -> Weights:
    header = read_header(artifact.path)
    parts = header.metadata.get("split.count", 1)
    if isinstance(parts, int) and parts > 1:
        raise ArtifactError(
            f"{artifact.uri}: is one of {parts} parts of a split model; join them first: "
            "llama-gguf-split --merge FIRST OUT.gguf"
        )
    return Weights(
        path=artifact.path,
        sha256=artifact.sha256,
        bytes=artifact.bytes,
        verified=verified,
        source_uri=source_uri,
        made_from=made_from,
        quantisation=quantisation(header),
        parameters=header.parameters,
        architecture=header.architecture,
        chat_template=bool(header.metadata.get("tokenizer.chat_template")),
        trained_context=_trained_context(header),
    )


def _trained_context(header: GgufHeader) -> int | None:
    value = header.metadata.get(f"{header.architecture}.context_length")
    return value if isinstance(value, int) and value > 0 else None


def _quantised(candidate: Candidate, type_name: str, source: Weights, version: str) -> Artifact:
    """The quantised file, made once: named by its source, its type and who made it."""
    key = f"{(source.sha256 or '')[:16]}-{type_name}-{version}"
    target = cache_root() / "quantized" / key / f"{catalogue.slug(candidate.name)}.gguf"
    kept = _kept(target, candidate.sha256)
    if kept:
        return kept
    with locked(short_key(str(target))):
        kept = _kept(target, candidate.sha256)
        if kept:
            return kept
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
            made.replace(target)
        stat = target.stat()
        note = {"sha256": digest, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        write_json(target.with_suffix(".json"), note)
    return Artifact(uri=candidate.name, path=target, sha256=digest, bytes=stat.st_size)


def _kept(target: Path, sha256: str | None) -> Artifact | None:
    """The file of an earlier run, if nothing touched it since; else it is made again."""
    note = read_json(target.with_suffix(".json"))
    if not target.is_file() or not isinstance(note.get("sha256"), str):
        return None
    stat = target.stat()
    if (stat.st_size, stat.st_mtime_ns) != (note.get("bytes"), note.get("mtime_ns")):
        return None
    if sha256 not in (None, note["sha256"]):
        return None
    return Artifact(uri=target.stem, path=target, sha256=note["sha256"], bytes=stat.st_size)


def _run_quantiser(name: str, source: Weights, made: Path, type_name: str) -> None:
    command = [sys.executable, "-P", "-m", "runners.worker.quantize", str(source.path), str(made)]
    done = subprocess.run(
        [*command, type_name, "--threads", str(usable_cpus())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode or not made.is_file():
        raise _quantiser_failure(name, type_name, done.returncode, done.stderr)


def _quantiser_failure(
    name: str, type_name: str, code: int, stderr: str
) -> RuntimeFailure | OSError:
    lines = [line for line in stderr.splitlines() if line.strip()]
    reason = lines[-1][:300] if lines else f"exit code {code}"
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
        reason = f"it was ended by {signal.Signals(-code).name}" + (
            " (out of memory?)" if code == -9 else f" ({reason})" if lines else ""
        )
    return RuntimeFailure(f"{name}: quantising to {type_name} failed: {reason}")
