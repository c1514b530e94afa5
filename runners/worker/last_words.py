"""Say how a child process ended: the signal, and the line on stderr that gives the reason."""

from __future__ import annotations

import re
import signal

MOST_CHARACTERS = 300
_ASSERTION = "GGML_ASSERT"
_DEVICE_ERROR = re.compile(r"\b(CUDA|ROCm|HIP|MUSA|SYCL) error: ")
"""ggml's reason for an error of a device; its abort then says the place alone."""
_REFUSED = re.compile(
    r"(?:failed to initialize \w+|CUDA initialization): (.+?)(?: \(Triggered|$)", re.MULTILINE
)
"""What ggml and torch say of a driver that gives them no device."""
_FOLDERS = re.compile(r"\S*[/\\](?=[\w.+-]+:\d+: )")
"""The folders of a source file on the machine that a library was compiled on."""


def last_words(stderr: str) -> str:
    """The line that says why: ggml's last error of a device or failed assertion, else the last.

    A debugger that ggml's abort attaches, or a backtrace, writes more lines after them.
    """
    lines = [" ".join(line.split()) for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if _DEVICE_ERROR.search(line)]
    assertions = [line for line in lines if _ASSERTION in line]
    chosen = (errors or assertions or lines or [""])[-1]
    return _FOLDERS.sub("", chosen)[:MOST_CHARACTERS]


def driver_refusal(stderr: str) -> str:
    """Why a driver gives a library no device; empty where nothing says so."""
    found = _REFUSED.search(stderr)
    return " ".join(found[1].split())[:MOST_CHARACTERS] if found else ""


def signal_name(number: int) -> str:
    """`SIGSEGV` of 11; real-time signals, which have no names, as `signal 40`."""
    known = {one.value: one.name for one in signal.Signals}
    return known.get(number, f"signal {number}")
