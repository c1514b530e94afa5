"""Say how a child process ended: the signal, and the line on stderr that gives the reason."""

from __future__ import annotations

import re
import signal

MOST_CHARACTERS = 300
_ASSERTION = "GGML_ASSERT"
_FOLDERS = re.compile(r"\S*[/\\](?=[\w.+-]+:\d+: )")
"""The folders of a source file on the machine that a library was compiled on."""


def last_words(stderr: str) -> str:
    """The line that says why: the last failed assertion of ggml, else the last line.

    A debugger that ggml's abort attaches, or a backtrace, writes more lines after the assertion.
    """
    lines = [" ".join(line.split()) for line in stderr.splitlines() if line.strip()]
    assertions = [line for line in lines if _ASSERTION in line]
    chosen = (assertions or lines or [""])[-1]
    return _FOLDERS.sub("", chosen)[:MOST_CHARACTERS]


def signal_name(number: int) -> str:
    """`SIGSEGV` of 11; real-time signals, which have no names, as `signal 40`."""
    known = {one.value: one.name for one in signal.Signals}
    return known.get(number, f"signal {number}")
