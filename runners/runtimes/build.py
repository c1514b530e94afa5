"""Identify the installed build of a runtime: its packages' versions and compiled libraries."""

from __future__ import annotations

from functools import cache

from runners.records.identity import digest
from runners.runtimes.packages import package
from runners.runtimes.table import find_runtime


@cache
def runtime_build(runtime: str) -> tuple[str, ...]:
    """The installed versions of a runtime's packages and the hashes of their compiled libraries.

    llama.cpp is compiled on the machine: one version built otherwise has other kernels, which
    give other speeds and other bits. Empty when a package is missing.
    """
    wanted = find_runtime(runtime).packages
    found = [one for one in map(package, wanted) if one is not None]
    if len(found) < len(wanted):
        return ()
    files = [file for one in found for file in one.files or ()]
    compiled = [f for f in files if f.suffix in (".so", ".dylib", ".dll", ".pyd")]
    return (*(one.version for one in found), *sorted(f.hash.value for f in compiled if f.hash))


def build_digest(runtime: str) -> str | None:
    """A short name for a runtime's build; None where a package is missing."""
    build = runtime_build(runtime)
    return digest(build) if build else None
