"""Does the sandbox hold on this machine? Told by a program that tries to get out."""

from __future__ import annotations

import functools
import shutil
import sys

from evals.errors import RuntimeFailure
from runners.sandbox.bubblewrap import Limits
from runners.sandbox.program import run_program

NEEDED = {
    "bwrap": "bubblewrap is not installed: apt-get install bubblewrap (dnf, pacman and zypper have "
    "it under this name, too)",
    "prlimit": "prlimit is not installed: apt-get install util-linux",
    "setpriv": "setpriv is not installed: apt-get install util-linux",
}
TRIAL = """
import os, socket
inside = set(os.listdir("/"))
assert inside <= {"usr", "lib", "lib64", "bin", "sbin", "proc", "dev", "tmp"} | OWN, inside
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=1)
except OSError:
    pass
else:
    raise AssertionError("it reached the network")
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 5
"""
_TRIAL_S = 20.0


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


@functools.cache
def why_not() -> str:
    """Why there is no sandbox on this machine; empty where one was tried and held."""
    if sys.platform != "linux":
        return "its sandbox needs Linux (in a container, or in WSL on Windows)"
    for program, what in NEEDED.items():
        if shutil.which(program) is None:
            return what
    return _tried()


def _tried() -> str:
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
            return f"the sandbox cannot be started ({error})"
    if outcome.passed:
        return ""
    said = " ".join(outcome.said.split())[-200:] or f"no word ({outcome.reason})"
    return (
        f"a trial in the sandbox failed: {said}; user namespaces are needed, which many containers "
        "and Ubuntu's AppArmor forbid"
    )
