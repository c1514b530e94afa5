"""Compile llama.cpp in one way after the other until one computes, and remember which.

Set-up calls this. pip's cache does not know how a wheel was compiled, so that an old bad one would
come back: whatever had to be compiled again is kept by processor and compiler in a cache of its
own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evals.fetch.cache import cache_root, read_json, short_key, write_json
from runners.runtimes.llamacpp.recipes import Recipe

if TYPE_CHECKING:
    from runners.runtimes.llamacpp.prove import Proof

Say = Callable[[str], None]


class Build(Protocol):
    """Interface that compiles and tries a build; a test gives one that does neither."""

    def compile(self, recipe: Recipe) -> Path | None:
        """Make a wheel and install it; None where that failed, and why was said."""

    def install(self, wheel: Path) -> bool:
        """Put a wheel in place of what is installed; whether that went well."""

    def prove(self) -> Proof:
        """Compute with what is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Result of an earlier set-up for one processor, compiler and version."""

    recipe: str = ""
    wheel: Path | None = None
    """The wheel; None: pip's cache has it, or nobody has."""
    verdict: str = ""
    """Verdict of the proof; not `whole` where no way was better."""


def memory(*known: str) -> Path:
    """The folder for what is known of a processor, compiler, version and the user's own options."""
    return cache_root() / "builds" / short_key("\n".join(known))


def recall(folder: Path) -> Kept:
    """The remembered result; an empty one where there is none."""
    note = read_json(folder / "build.json")
    name = note.get("wheel")
    wheel = folder / name if isinstance(name, str) and name else None
    found = wheel if wheel and wheel.is_file() else None
    told = {name: str(note.get(name, "")) for name in ("recipe", "verdict")}
    return Kept(wheel=found, **told)


def remember(folder: Path, recipe: Recipe, wheel: Path | None, verdict: str) -> None:
    """Keep a way and its wheel; a cache that cannot be written costs another build later."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if wheel is not None:
            shutil.copyfile(wheel, folder / wheel.name)
        name = wheel.name if wheel else ""
        write_json(
            folder / "build.json", {"recipe": recipe.name, "wheel": name, "verdict": verdict}
        )


def until_it_computes(
    ways: Sequence[Recipe], tried: Recipe | None, build: Build, folder: Path, say: Say
) -> Proof:
    """Try what is installed; while that fails, compile it in the next way and try again.

    Args:
        ways: from the one that was planned; those before it are known to fail.
        tried: the way that it was compiled in just now; None where it came from a cache.
        build: compiles and tries.
        folder: of `memory`.
        say: told what happens, a line each.

    Returns:
        How the last one computes. `plain` and `broken` mean that none was better.
    """
    proof = build.prove()
    if proof.verdict == "whole" and tried is not None:
        remember(folder, tried, None, proof.verdict)
    kept = recall(folder)
    # Or as good as it was when all ways had been tried: another hour would find nothing else.
    enough = ("whole", "unknown", kept.verdict)
    if proof.verdict not in enough and kept.wheel is not None and build.install(kept.wheel):
        proof = build.prove()
    if proof.verdict in enough:
        return proof
    last: tuple[Recipe, Path] | None = None
    for way in [way for way in ways if way != tried]:
        say(f"the installed llama.cpp fails ({proof.problem}): compiling it {way.says}")
        wheel = build.compile(way)
        if wheel is None:
            continue
        proof = build.prove()
        if proof.verdict == "unknown":
            return proof
        last = way, wheel
        if proof.verdict == "whole":
            say(f"llama.cpp computes, compiled {way.says}")
            break
    if last is not None:  # not before: an interrupted set-up has not tried them all
        remember(folder, *last, proof.verdict)
    return proof


def in_the_end(proof: Proof, folder: Path) -> str:
    """One line on what set-up leaves behind; empty where all is well.

    Args:
        proof: of `until_it_computes`.
        folder: of `memory`.
    """
    match proof.verdict:
        case "plain":
            return (
                f"{proof.left_out} kernels of llama.cpp fail here ({proof.problem}): runs do "
                "without them and are flagged; see AMX in docs/troubleshooting.md"
            )
        case "unknown":
            return (
                f"whether llama.cpp computes could not be tried ({proof.problem}): weighin doctor "
                "tries it again"
            )
        case "broken" if recall(folder).verdict == "broken":
            return (
                f"llama.cpp does not compute here, however it is compiled ({proof.problem}), and "
                "was removed; another compiler may do: CC=clang CXX=clang++ make demo (what was "
                f"tried is remembered in {folder})"
            )
        case "broken":
            return (
                f"this llama.cpp does not compute here ({proof.problem}) and was removed; with a "
                "C++ compiler (Debian, Ubuntu: apt-get install g++) make demo compiles another"
            )
    return ""
