"""Run one program in the sandbox, and say whether it came to its end."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runners.sandbox.bubblewrap import Limits, sandbox_command

Reason = Literal["passed", "failed", "time", "output"]
_MOST_SAID = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended."""

    reason: Reason
    """End of the program: it came to its last line or not, or was ended for its time or output."""
    said: str
    """The end of what it printed, errors included."""

    @property
    def passed(self) -> bool:
        """True where everything ran to its end."""
        return self.reason == "passed"


def run_program(code: str, limits: Limits | None = None) -> Outcome:
    """Run Python code in the sandbox.

    A marker that is drawn for this run is printed after the last line of the code: a program that
    leaves early, by `sys.exit(0)` for instance, has not passed.

    Args:
        code: a program with its asserts.
        limits: None: the usual ones.

    Raises:
        OSError: the sandbox itself cannot be started.
    """
    limits = limits or Limits()
    marker = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="weighin-code-") as folder:
        path = Path(folder, "program.py")
        text = f"{code}\n\nprint()\nprint({marker!r})\n"
        path.write_text(text, encoding="utf-8", errors="replace")
        # Another user runs it.
        Path(folder).chmod(0o755)
        path.chmod(0o644)
        return _run(sandbox_command(path, limits), limits, marker)


def _run(command: list[str], limits: Limits, marker: str) -> Outcome:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(child)

        clock = threading.Timer(limits.seconds, end)
        clock.start()
        try:
            output = child.stdout.read(limits.output_bytes + 1) if child.stdout else b""
            if len(output) > limits.output_bytes:
                _kill(child)
            code = child.wait()
        finally:
            clock.cancel()
            _kill(child)
    text = output.decode("utf-8", "replace")
    said = text[-_MOST_SAID:].strip()
    if len(output) > limits.output_bytes:
        return Outcome(reason="output", said=said)
    if late.is_set():
        return Outcome(reason="time", said=said)
    passed = code == 0 and text.endswith(f"\n{marker}\n")
    return Outcome(reason="passed" if passed else "failed", said=said.removesuffix(marker).strip())


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End bubblewrap; the kernel ends everything in its namespace of processes with it."""
    if sys.platform == "win32" or child.poll() is not None:  # its number may be another's by now
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
