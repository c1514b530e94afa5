"""Does the sandbox hold on this machine? Told by a program that tries to get out."""

from __future__ import annotations

import functools
import shutil
import sys
from dataclasses import dataclass

from evals.errors import RuntimeFailure
from runners.sandbox.bubblewrap import Limits
from runners.sandbox.program import run_program

NEEDED = {
    "bwrap": "bubblewrap is not installed: apt-get install bubblewrap (dnf, pacman and zypper have "
    "it under this name, too)",
    "prlimit": "prlimit is not installed: apt-get install util-linux",
    "setpriv": "setpriv is not installed: apt-get install util-linux",
}
OLDEST = (3, 10)
"""Python that answers run on, at least: models write `match` and `int | None`."""
TRIAL = """
import os, socket, sys
inside = set(os.listdir("/"))
assert inside <= {"usr", "lib", "lib64", "bin", "sbin", "proc", "dev", "tmp"} | OWN, inside
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=1)
except OSError:
    pass
else:
    raise AssertionError("it reached the network")
try:
    open("/mine", "w")
except OSError:
    pass
else:
    raise AssertionError("it wrote beside its own folder")
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 5
print(*sys.version_info[:3], sep=".")
"""
_TRIAL_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of the trial."""

    reason: str = ""
    """Why there is no sandbox; empty where it held."""
    python: str = ""
    """Version of the Python that programs run on; empty where it did not hold."""


def require_sandbox() -> None:
    """Make sure that code can be run without reaching anything.

    Raises:
        RuntimeFailure: it cannot; the message says why, and what would do.
    """
    if reason := why_not():
        raise RuntimeFailure(f"code that a model writes cannot be run here: {reason}")


def runs_to_its_end(code: str) -> bool:
    """Run a program in the sandbox; True where it came to its end.

    Raises:
        RuntimeFailure: there is no sandbox here. It is never run without.
    """
    require_sandbox()
    try:
        return run_program(code).passed
    except OSError as error:
        raise RuntimeFailure(f"the sandbox cannot be started: {error}") from error


def why_not() -> str:
    """Why there is no sandbox on this machine; empty where one was tried and held."""
    return tried().reason


@functools.cache
def tried() -> Tried:
    """Try the sandbox, once in a process."""
    if sys.platform != "linux":
        return Tried(reason="its sandbox needs Linux (in a container, or in WSL on Windows)")
    for program, what in NEEDED.items():
        if shutil.which(program) is None:
            return Tried(reason=what)
    return _tried()


def _tried() -> Tried:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        own = {sys.base_prefix.split("/")[1]}
        code = TRIAL.replace("PORT", str(port)).replace("OWN", repr(own))
        try:
            outcome = run_program(code, Limits(seconds=_TRIAL_S))
        except OSError as error:
            return Tried(reason=f"the sandbox cannot be started ({error})")
    if outcome.passed:
        return with_python(outcome.said.split()[-1])
    said = " ".join(outcome.said.split())[-200:] or f"no word ({outcome.reason})"
    return Tried(
        reason=f"a trial in the sandbox failed: {said}; user namespaces are needed, which many "
        "containers and Ubuntu's AppArmor forbid"
    )


def with_python(version: str) -> Tried:
    """A trial that held, on a version of Python such as 3.12.3."""
    if tuple(map(int, version.split(".")[:2])) >= OLDEST:
        return Tried(python=version)
    least = ".".join(map(str, OLDEST))
    return Tried(
        reason=f"programs run on /usr/bin/python3, which is {version} here, and what models write "
        f"needs {least} or later: use a newer system, or a container of one"
    )
