"""A command on a terminal, as a user sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_a_terminal(
    command: Sequence[str | Path],
    folder: Path,
    *,
    columns: int | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Both streams of a command that is run on a terminal.

    Args:
        command: program and arguments.
        folder: to run it in.
        columns: width of the terminal; None: as the system makes it.
        env: its whole environment; None: ours.
    """
    inner, outer = pty.openpty()
    if columns is not None:
        fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=outer,
        stdout=outer,
        stderr=outer,
        env=os.environ.copy() if env is None else env,  # readline sets COLUMNS behind its back
    )
    os.close(outer)
    written = b""
    try:
        while more := os.read(inner, 65536):
            written += more
    except OSError:  # how Linux says that the other end was closed
        pass
    finally:
        os.close(inner)
        process.wait(60)
    return written.decode()
