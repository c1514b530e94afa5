"""The command that runs one Python file in namespaces of its own, by bubblewrap.

What it covers: no network (a namespace without devices), no file but the system's programs (all of
/usr, /bin, /sbin and /lib*, read-only) and the program's own, nothing to write to but an empty /tmp
of 16 MiB in memory, no environment, no process of others to see or to signal, no privileges, no
further namespaces (bubblewrap 0.8 or later), and limits on memory, processes, files and the
processor's time.

What it does not cover: faults of the kernel, which the program talks to directly (no system call is
filtered); memory that the kernel counts to no process, until the program ends (shared memory of
System V, `shmget`; a kilobyte for each empty file); what can be learnt from timing; the processor's
time that it takes from others while it runs; and a program that works against its own test (it may
look for the marker in the file that it stands in, or compare equal to everything). It protects this
machine, not the score.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
NOBODY = 65534
"""An unprivileged user: the limit on processes does not hold for root."""
FOLDER = "/tmp"  # noqa: S108  # inside, where it is empty and its own
PROGRAM = f"{FOLDER}/program.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one program may take."""

    seconds: float = 10.0
    """By the clock; the processor's time is limited to as much, rounded up."""
    memory_bytes: int = 256 * MIB
    """Address space of a process."""
    processes: int = 8
    """Eight of them take at most eight times the memory: 2 GiB."""
    file_bytes: int = MIB
    """Size of a file that it writes, in memory."""
    open_files: int = 64
    output_bytes: int = 256 * 1024
    """What is read of what it prints; more ends it."""


def sandbox_command(program: Path, limits: Limits) -> list[str]:
    """The command that runs a program's file with Python.

    Args:
        program: readable by everybody, in a folder that everybody may enter.
    """
    return [*_as_nobody(), *_namespaces(program), *_limited(limits), *_python()]


def _as_nobody() -> list[str]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _namespaces(program: Path) -> list[str]:
    given = [
        "bwrap", "--unshare-all", *_no_more_namespaces(), "--die-with-parent", "--new-session",
        "--clearenv", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr",
    ]  # fmt: skip
    for name in ("lib", "lib64", "bin", "sbin"):
        if Path("/", name).is_symlink():
            given += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).is_dir():
            given += ["--ro-bind", f"/{name}", f"/{name}"]
    if not _system_python():
        given += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    return [
        *given, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
        "--size", str(16 * MIB), "--tmpfs", FOLDER,
        "--ro-bind", str(program), PROGRAM, "--chdir", FOLDER,
        "--remount-ro", "/",  # a tmpfs without a size; /tmp, a mount of its own, stays writable
    ]  # fmt: skip


@functools.cache
def _no_more_namespaces() -> list[str]:
    """Options that forbid namespaces inside, where a program could mount a tmpfs of any size.

    Empty before bubblewrap 0.8, which has none.

    Raises:
        OSError: bubblewrap is not here.
    """
    option = "--disable-userns"
    told = subprocess.run(["bwrap", "--help"], capture_output=True, check=False).stdout
    # --unshare-all alone unshares users only where that can be had, and is refused beside it.
    return ["--unshare-user", option] if option.encode() in told else []


def _limited(limits: Limits) -> list[str]:
    return [
        "prlimit", f"--as={limits.memory_bytes}", f"--nproc={limits.processes}",
        f"--fsize={limits.file_bytes}", f"--nofile={limits.open_files}",
        f"--cpu={int(limits.seconds) + 1}", "--core=0",
    ]  # fmt: skip


def _python() -> list[str]:
    return [_system_python() or str(Path(sys.base_prefix, "bin", "python3")), "-I", "-S", PROGRAM]


def _system_python() -> str | None:
    """The system's own Python, which everybody may read; this one may lie in somebody's home."""
    return shutil.which("python3", path="/usr/bin")
