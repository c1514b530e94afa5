"""Memory that the runtime `fake` holds when it is told to: its own, or a child's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

PAGE = 4096
HOLD = f"""
import sys
held = bytearray(int(sys.argv[1]))
for at in range(0, len(held), {PAGE}):
    held[at] = 1
print("held", flush=True)
sys.stdin.read()
"""


def holding_child(size: int) -> subprocess.Popen[bytes]:
    """A process that holds `size` bytes until its input ends, also when this one is killed."""
    import subprocess

    child = subprocess.Popen(
        [sys.executable, "-I", "-c", HOLD, str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if child.stdout is not None:
        child.stdout.readline()
    return child


def touched(size: int) -> bytearray | None:
    """Anonymous memory of `size` bytes, every page written."""
    if not size:
        return None
    held = bytearray(size)
    for at in range(0, size, PAGE):
        held[at] = 1
    return held
