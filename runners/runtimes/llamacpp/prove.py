"""Try the installed llama.cpp in a child: does it compute, and with its repacked kernels?"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from runners.runtimes.llamacpp.proof import MOST_S, NOT_INSTALLED, UNLOADABLE, WRONG
from runners.worker.child_environment import child_environment
from runners.worker.last_words import last_words, signal_name

FATAL = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT", "SIGTRAP")
"""Signals that a process brings on itself; others come from outside and say nothing of a build."""
EXCEPTION = 0xC0000000
"""Windows' exit codes from here on are exceptions of the same kinds."""
AMX = {"amx_tile", "amx_int8"}
"""Instruction sets that llama.cpp's AMX kernels need."""
REPACKING = ("AMX_INT8", "REPACK", "KLEIDIAI")
"""Kernels in llama.cpp's description of its build that need weights in extra buffers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Result of one child."""

    outcome: Literal["works", "fails", "hangs", "unknown"]
    """unknown: it was ended from outside, or the disk or the memory was full."""
    problem: str = ""
    """Fault of the child, e.g. `SIGSEGV in Q8_0, 32 tokens, 1 thread`; empty where it works."""
    build: str = ""
    """The instruction sets of the build; empty where it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Usable parts of an installed build of llama.cpp."""

    verdict: Literal["whole", "plain", "broken", "unknown"]
    """plain: without weights in extra buffers. unknown: nothing is known against it."""
    problem: str = ""
    build: str = ""
    lasting: bool = True
    """False: another try may end otherwise, so that it is not to be remembered."""

    @property
    def left_out(self) -> str:
        """The kernels that are not used although the build has them, e.g. `AMX, REPACK`."""
        if self.verdict != "plain":
            return ""
        found = [name for name in REPACKING if name in self.build.split()]
        return ", ".join(name.removesuffix("_INT8") for name in found) or "extra buffers"


def not_built(build: str, features: Collection[str]) -> str:
    """Kernels that this processor would gain much by and that the build lacks: `AMX`, or nothing.

    Args:
        build: its instruction sets, as llama.cpp says them.
        features: of the processor, as Linux names them.
    """
    return "AMX" if set(features) >= AMX and "AMX_INT8" not in build.split() else ""


def prove(most_s: float = MOST_S) -> Proof:
    """Compute with the installed llama.cpp, in one child or two; takes a second.

    Args:
        most_s: a child that takes longer hangs.
    """
    whole = _attempt(most_s, extra_buffers=True)
    if whole.outcome == "works":
        return Proof(verdict="whole", build=whole.build)
    if whole.outcome == "unknown":
        return Proof(verdict="unknown", problem=whole.problem, lasting=False)
    plain = _attempt(most_s, extra_buffers=False)
    lasting = "hangs" not in (whole.outcome, plain.outcome)
    if plain.outcome == "works":
        return Proof(verdict="plain", problem=whole.problem, build=plain.build, lasting=lasting)
    if plain.outcome == "unknown":
        return Proof(verdict="unknown", problem=whole.problem, lasting=False)
    return Proof(verdict="broken", problem=plain.problem, build=plain.build, lasting=lasting)


def _attempt(most_s: float, *, extra_buffers: bool) -> Attempt:
    options = [] if extra_buffers else ["--plain"]
    try:
        with tempfile.TemporaryDirectory(prefix="weighin-") as folder:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "runners.runtimes.llamacpp.proof", folder, *options],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=most_s,
                # Two threads that spin for each other take long on busy cores.
                env=child_environment(OMP_WAIT_POLICY="passive"),
                check=False,
            )
    except subprocess.TimeoutExpired as late:
        where = _told(late.stdout or b"").get("at", "its start")
        return Attempt(outcome="hangs", problem=f"no end after {most_s:g} s in {where}")
    except OSError as error:
        return Attempt(outcome="unknown", problem=str(error))
    return judged(done.returncode, _told(done.stdout), done.stderr.decode("utf-8", "replace"))


def judged(code: int, told: dict[str, Any], stderr: str) -> Attempt:
    """Judge how a child ended.

    Args:
        code: as `subprocess` has it, negative for a signal.
        told: all that it said of itself.
        stderr: for the reason, where it gave none.
    """
    build, where = str(told.get("build", "")), str(told.get("at", "its start"))
    if code == 0 and build:
        return Attempt(outcome="works", build=build)
    if code in (WRONG, UNLOADABLE):
        return Attempt(outcome="fails", problem=str(told.get("wrong", "")), build=build)
    name = signal_name(-code) if code < 0 else ""
    said = last_words(stderr)
    if name in FATAL or code >= EXCEPTION:
        said = f": {said}" if name == "SIGABRT" and said else ""
        return Attempt(outcome="fails", problem=f"{name or hex(code)} in {where}{said}")
    if code == NOT_INSTALLED:
        return Attempt(outcome="unknown", problem=str(told.get("wrong", "")))
    return Attempt(outcome="unknown", problem=f"{name or f'exit code {code}'} in {where}; {said}")


def _told(stdout: bytes) -> dict[str, Any]:
    """All lines' keys, later ones over earlier ones; a last half line is no line."""
    found: dict[str, Any] = {}
    for line in stdout.decode("utf-8", "replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        found |= told if isinstance(told, dict) else {}
    return found
