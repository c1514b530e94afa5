"""Identify the installed build of a runtime: its packages' versions and compiled libraries."""

from __future__ import annotations

from functools import cache

from evals.errors import RuntimeFailure
from runners.runtimes.packages import package
from runners.runtimes.spec import Settings
from runners.runtimes.table import find_runtime


def runtime_build(runtime: str, settings: Settings) -> tuple[str, ...]:
    """The installed versions of a runtime's packages and the hashes of their compiled libraries.

    llama.cpp is compiled on the machine: one version built otherwise has other kernels, which
    give other speeds and other bits. Of a runtime that starts a program, that program's.

    Args:
        runtime: its name.
        settings: a candidate's, which may name a program.

    Returns:
        Nothing where a package, or the program, is missing.
    """
    spec = find_runtime(runtime)
    if spec.find_program is None:
        return _packages(spec.packages)
    try:
        return (*_packages(spec.packages), *spec.find_program(settings).build)
    except RuntimeFailure:
        return ()


@cache
def _packages(wanted: tuple[str, ...]) -> tuple[str, ...]:
    found = [one for one in map(package, wanted) if one is not None]
    if len(found) < len(wanted):
        return ()
    files = [file for one in found for file in one.files or ()]
    compiled = [f for f in files if f.suffix in (".so", ".dylib", ".dll", ".pyd")]
    return (*(one.version for one in found), *sorted(f.hash.value for f in compiled if f.hash))
