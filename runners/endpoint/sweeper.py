"""A shell that outlives this process and then ends whatever it had started.

It waits on a pipe, which the kernel closes however this process ends, by SIGKILL too. A signal on
the parent's death (prctl) would reach the server itself alone, not what that started.
"""

from __future__ import annotations

import os
import secrets
import subprocess

MARK = "WEIGHIN_STARTED"
"""Environment variable that every process of a server inherits, also one that left its group."""
_SWEEP = """
read -r group && read -r _
[ -n "$group" ] && kill -s KILL -- "-$group"
for round in 1 2 3 4 5; do
  found=$(grep -ls "$1" /proc/[0-9]*/environ)
  [ -z "$found" ] && exit
  for at in $found; do
    at=${at%/environ}
    kill -s KILL "${at#/proc/}"
  done
done
"""
"""Ends the group, then whoever carries the mark; again, as one may have started another."""


class Sweeper:
    """Ends a server's processes when this process closes it, or is gone."""

    def __init__(self) -> None:
        """Start the shell, in a session of its own: what ends our group leaves it alone.

        Raises:
            OSError: there is no /bin/sh.
        """
        self.mark = secrets.token_hex(8)
        """Value of `MARK` in the environment of what is to be ended."""
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SWEEP, "sh", f"{MARK}={self.mark}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The shell's own process."""
        return self._shell.pid

    def watch(self, group: int) -> None:
        """Name the process group that is ended as a whole."""
        if self._shell.stdin is not None:
            self._shell.stdin.write(f"{group}\n".encode())
            self._shell.stdin.flush()

    def sweep(self) -> None:
        """End everything, and wait until it was told to."""
        self._shell.communicate()
