"""Checks of what is installed: Python, the runtimes, a compiler."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Mapping

from evals.errors import RuntimeFailure
from runners.doctor.check import Check
from runners.packages import installed
from runners.worker.advice import HF_MISSING, MISSING
from runners.worker_process import WorkerProcess

OLDEST_PYTHON = (3, 11)
TESTED_ON = ("Linux",)
START_TIMEOUT_S = 60.0
COMPILERS = ("c++", "g++", "clang++", "cl")
NO_COMPILER = (
    "Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select "
    "--install; Windows: the Visual Studio build tools"
)


def python_check(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether this Python is new enough, and where it is."""
    found = f"{'.'.join(map(str, version))}, {sys.executable}"
    if version >= OLDEST_PYTHON:
        return Check(name="Python", status="ok", found=found)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        name="Python", status="missing", found=found, advice=f"install Python {wanted} or later"
    )


def platform_check(system: str, machine: str) -> Check:
    """Whether Weighin was tried on this system."""
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


def runtime_check(runtime: str, package: str, *, missing: str) -> Check:
    """Start a worker with a runtime and read what it says of itself.

    Starting it loads the library, so that one which was built for another CPU dies here.

    Args:
        runtime: as `runners.worker` knows it.
        package: the distribution that it comes in.
        missing: what to do when that is not installed.
    """
    version = installed(package)
    name = f"runtime {runtime}"
    if version is None:
        return Check(name=name, status="missing", found=f"no {package}", advice=missing)
    try:
        with WorkerProcess(runtime, threads=1, timeout_s=START_TIMEOUT_S) as worker:
            build, seconds = worker.ready.runtime_build, worker.ready_s
    except (RuntimeFailure, OSError) as error:
        return Check(
            name=name,
            status="missing",
            found=f"{package} {version} does not start",
            advice=str(error),
        )
    return Check(
        name=name,
        status="ok",
        found=f"{package} {version}, starts in {seconds:.1f} s; {build}",
    )


def llamacpp_check() -> Check:
    """The runtime of GGUF weights."""
    _, _, advice = MISSING.partition(": ")
    return runtime_check("llamacpp", "llama-cpp-python", missing=advice)


def hf_check(versions: Mapping[str, str | None]) -> Check:
    """Torch and transformers, which the runtime `hf` needs; nothing else does.

    Starting it would take seconds, as its libraries do to be imported.

    Args:
        versions: of the packages; None: not installed.
    """
    found = ", ".join(f"{name} {version or 'not installed'}" for name, version in versions.items())
    if all(versions.values()):
        return Check(name="runtime hf", status="ok", found=found)
    _, _, advice = HF_MISSING.partition(": ")
    return Check(
        name="runtime hf",
        status="limited",
        found=found,
        advice=f"only candidates of runtime hf need it: {advice}",
    )


def compiler_check(found: str | None, *, built: bool) -> Check:
    """A C++ compiler, which llama-cpp-python is built with.

    Args:
        found: its path.
        built: llama-cpp-python is installed, so that none is needed until the next version.
    """
    if found:
        return Check(name="C++ compiler", status="ok", found=found)
    advice = f"needed to install the next llama-cpp-python: {NO_COMPILER}" if built else NO_COMPILER
    return Check(
        name="C++ compiler",
        status="limited" if built else "missing",
        found="none on the PATH",
        advice=advice,
    )


def compiler() -> str | None:
    """The path of the first C++ compiler on the PATH."""
    return next((path for path in map(shutil.which, COMPILERS) if path), None)
