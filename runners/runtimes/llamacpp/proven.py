"""Prove the installed llama.cpp on this processor once, and remember the result."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from evals.errors import RuntimeFailure
from evals.fetch.cache import cache_root, read_json, remembered_sha256, short_key, write_json
from runners.compute.machine import processor
from runners.compute.processor import Processor
from runners.runtimes.llamacpp.advice import REBUILD
from runners.runtimes.llamacpp.libraries import LIBRARIES, library_folder
from runners.runtimes.llamacpp.proof import VERSION
from runners.runtimes.llamacpp.prove import Proof, not_built, prove

UNTRIED = Proof(verdict="unknown", lasting=False)
"""Proof of runtimes that are not compiled here: they are used as they are."""


def proof_of(runtime: str, try_out: Callable[[], Proof] = prove) -> Proof:
    """Prove that a runtime computes here: by what is remembered, else by trying now.

    Args:
        runtime: as a candidate names it; only `llamacpp` is tried.
        try_out: computes with the installed build.
    """
    if runtime != "llamacpp":
        return UNTRIED
    key = build_key()
    return (remembered(key) if key else None) or tried(key, try_out)


def proof_anew(runtime: str) -> Proof:
    """Prove anew that a runtime computes here, whatever is remembered."""
    return tried(build_key()) if runtime == "llamacpp" else UNTRIED


def kernels_not_built(runtime: str, build: str, features: Collection[str]) -> str:
    """Kernels that the build of a runtime lacks and this processor would gain much by.

    Args:
        runtime: as a candidate names it; only `llamacpp` is looked at.
        build: its instruction sets, as llama.cpp says them.
        features: of the processor, as Linux names them.
    """
    return not_built(build, features) if runtime == "llamacpp" else ""


def refuse_broken(proof: Proof) -> None:
    """Raise for a build that cannot compute, before a worker is started with it.

    Raises:
        RuntimeFailure: what it did, and how to build another.
    """
    if proof.verdict == "broken":
        raise RuntimeFailure(
            f"the installed llama.cpp does not compute on this processor ({proof.problem}); build "
            f"it here, then weighin doctor tries it again: {REBUILD}"
        )


def tried(key: str | None, try_out: Callable[[], Proof] = prove) -> Proof:
    """Compute now, and remember the outcome under `key` where it will be the same next time."""
    proof = try_out()
    if proof.lasting and key is not None:
        with suppress(OSError):  # then it is tried again next time, which costs a second
            write_json(_note(key), asdict(proof))
    return proof


def remembered(key: str) -> Proof | None:
    """The proof of an earlier run; None where there is none that can be read."""
    note = read_json(_note(key))
    verdict, problem, build = (str(note.get(name, "")) for name in ("verdict", "problem", "build"))
    if verdict not in ("whole", "plain", "broken"):
        return None
    return Proof(verdict=verdict, problem=problem, build=build)  # type: ignore[arg-type]


def build_key(here: Processor | None = None, folder: Path | None = None) -> str | None:
    """A name for this build on this processor; None where no compiled library is found.

    Args:
        here: the processor; by default this machine's.
        folder: of the libraries; by default where llama_cpp looks for them.
    """
    folder = folder or library_folder()
    if folder is None:
        return None
    # By content: a build that is copied, or put in place of another, is told apart.
    hashes = sorted({remembered_sha256(path) for path in _libraries(folder)})
    if not hashes:
        return None
    here = here or processor()
    known = [platform.machine(), here.name, here.identity, *here.features]
    return short_key("\n".join([str(VERSION), *known, *hashes]))


def _libraries(folder: Path) -> Iterator[Path]:
    for pattern in LIBRARIES:
        yield from folder.glob(pattern)


def _note(key: str) -> Path:
    return cache_root() / "proven" / f"{key}.json"
