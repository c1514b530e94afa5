"""Checks of what is installed: Python, the runtimes, a compiler."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from evals.errors import RuntimeFailure, SpecError
from runners.compute.machine import processor
from runners.doctor.check import Check
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.gradio.advice import gradio_here
from runners.runtimes.llamacpp.advice import KEEP_AMX, REBUILD
from runners.runtimes.llamacpp.proof import DEVIATION
from runners.runtimes.llamacpp.prove import Proof, not_built
from runners.runtimes.llamacpp.proven import UNTRIED, proof_anew
from runners.runtimes.packages import installed
from runners.runtimes.spec import RuntimeSpec
from runners.runtimes.table import find_runtime, runtime_names, usual_runtime

OWN_PACKAGE = "weighin"
OLDEST_PYTHON = (3, 11)
TESTED_ON = ("Linux",)
START_TIMEOUT_S = 60.0
COMPILERS = ("c++", "g++", "clang++", "cl")
NO_COMPILER = (
    "Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select "
    "--install; Windows: the Visual Studio build tools"
)


def python_check(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Check that this Python is new enough, and name its path."""
    found = f"{'.'.join(map(str, version))}, {sys.executable}"
    if version >= OLDEST_PYTHON:
        return Check(name="Python", status="ok", found=found)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        name="Python", status="missing", found=found, advice=f"install Python {wanted} or later"
    )


def platform_check(system: str, machine: str) -> Check:
    """Check that Weighin was tested on this system."""
    found = f"{system or 'unknown'} {machine}".strip()
    if system in TESTED_ON:
        return Check(name="platform", status="ok", found=found)
    return Check(
        name="platform",
        status="limited",
        found=found,
        advice="Weighin is developed on Linux: here accuracy and latency are measured alike, peak "
        "memory is of another source, and limits and noise are mostly unknown",
    )


def here() -> Check:
    """The check of this system."""
    return platform_check(platform.system(), platform.machine())


def runtime_checks() -> Iterator[Check]:
    """A check a runtime, in the table's order; of what comes with Weighin itself there is none."""
    for name in runtime_names():
        try:
            spec = find_runtime(name)
        except SpecError as error:
            found, advice = str(error), "install its package again, or uninstall it"
            yield Check(name=f"runtime {name}", status="limited", found=found, advice=advice)
            continue
        if spec.find_program is not None:
            yield from program_check(spec)
        if spec.packages in ((OWN_PACKAGE,), ()):
            continue
        started = runtime_check(spec)
        # Tried anew, whatever is remembered: somebody asks because something is wrong.
        proof = proof_anew(name) if started.status == "ok" else UNTRIED
        yield started if proof == UNTRIED else computing(started, proof)


def apps_check() -> Check:
    """Say which Gradio could run an app; Weighin itself asks one without it."""
    return Check(name=f"runtime {usual_runtime('app')}", status="ok", found=gradio_here())


def program_check(spec: RuntimeSpec) -> Iterator[Check]:
    """Check that the program that a runtime starts is here; none where a candidate names it."""
    if spec.find_program is None or not spec.missing:
        return
    name = f"runtime {spec.name}"
    try:
        program = spec.find_program(spec.settings())
    except RuntimeFailure as error:
        found, _, advice = str(error).partition(": ")
        advice = f"only candidates of {name} need it: {advice or spec.missing}"
        yield Check(name=name, status="limited", found=found, advice=advice)
        return
    found = f"{program.version or 'no version'}, {program.command[0]}"
    yield Check(name=name, status="ok", found=found)


def packages_check(spec: RuntimeSpec, versions: Mapping[str, str | None]) -> Check:
    """Check that a runtime's packages are installed.

    Args:
        spec: the runtime.
        versions: of its packages; None: not installed.
    """
    name = f"runtime {spec.name}"
    found = ", ".join(f"{name} {version or 'not installed'}" for name, version in versions.items())
    if all(versions.values()):
        return Check(name=name, status="ok", found=found)
    advice = spec.missing.partition(": ")[2] or f"pip install {' '.join(versions)}"
    if spec.name == usual_runtime("gguf"):
        return Check(name=name, status="missing", found=found, advice=advice)
    advice = f"only candidates of {name} need it: {advice}"
    return Check(name=name, status="limited", found=found, advice=advice)


def runtime_check(spec: RuntimeSpec) -> Check:
    """Check that a runtime's packages are installed, and that a worker starts with it.

    Starting it loads the library, so that one which was built for another CPU dies here. One whose
    libraries take seconds to import is not started.
    """
    check = packages_check(spec, {package: installed(package) for package in spec.packages})
    if check.status != "ok" or not spec.starts_in_a_moment:
        return check
    try:
        with WorkerProcess(spec.name, threads=1, timeout_s=START_TIMEOUT_S) as worker:
            build, seconds = worker.ready.runtime_build, worker.ready_s
    except (RuntimeFailure, OSError) as error:
        again = f"; build it here: {spec.rebuild}" if "SIGILL" in str(error) else ""
        return replace(
            check,
            status="missing" if spec.name == usual_runtime("gguf") else "limited",
            found=f"{check.found} does not start",
            advice=f"{error}{again if spec.rebuild else ''}",
        )
    return replace(check, found=f"{check.found}, starts in {seconds:.1f} s; {build}")


def computing(started: Check, proof: Proof, features: Collection[str] | None = None) -> Check:
    """Check what a runtime that starts can compute.

    Args:
        started: the check of its start.
        proof: what came of computing with it.
        features: of the processor; by default of this machine's.
    """
    features = processor().features if features is None else features
    lacks = not_built(proof.build, features)
    match proof.verdict:
        case "whole" if lacks:
            found = f"{started.found}; computes, but has no {lacks} kernels, which this CPU has"
            return replace(started, status="limited", found=found, advice=f"build it: {KEEP_AMX}")
        case "whole":
            types = ", ".join(DEVIATION)
            return replace(started, found=f"{started.found}; computes {types}")
        case "plain":
            found = f"{started.found}; {proof.left_out} kernels fail ({proof.problem}): left out"
            advice = KEEP_AMX if "AMX" in proof.left_out else REBUILD
            return replace(started, status="limited", found=found, advice=advice)
        case "broken":
            found = f"{started.found}; does not compute: {proof.problem}"
            return replace(started, status="missing", found=found, advice=REBUILD)
        case _:
            found = f"{started.found}; whether it computes could not be tried: {proof.problem}"
            return replace(started, status="limited", found=found, advice="weighin doctor again")


def compiler_check(found: str | None, *, built: bool) -> Check:
    """A C++ compiler, which llama-cpp-python is built with.

    Args:
        found: its path.
        built: llama-cpp-python is installed, so that none is needed until the next version.
    """
    if found:
        return Check(name="C++ compiler", status="ok", found=found)
    need = (
        "to compile the next" if built else "make demo takes it prebuilt where it can; to compile"
    )
    advice = f"{need} llama.cpp: {NO_COMPILER}"
    return Check(
        name="C++ compiler",
        status="limited" if built else "missing",
        found="none on the PATH",
        advice=advice,
    )


def compiler() -> str | None:
    """The path of the first C++ compiler on the PATH."""
    return next((path for path in map(shutil.which, COMPILERS) if path), None)
