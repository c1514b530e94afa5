"""Who listens on a port of this machine, by the kernel's tables of sockets."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Sockets that listen on a port."""

    ours: int
    """How many belong to the processes that were asked about."""
    others: int
    """More than 0 beside ours: the port is shared (SO_REUSEPORT), and answers come from either."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now; another process may take it in the next moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def listening(port: int, pids: Collection[int]) -> Listening | None:
    """Count the sockets that listen on a port, those of some processes apart.

    Args:
        port: of any address of this machine.
        pids: the processes that it should be.

    Returns:
        None where the system has no such tables.
    """
    inodes = _inodes(port)
    if inodes is None:
        return None
    ours = {inode for pid in pids for inode in _sockets(pid)} & inodes
    return Listening(ours=len(ours), others=len(inodes - ours))


def _inodes(port: int) -> set[str] | None:
    """Inodes of the sockets that listen on a port (proc_pid_net(5))."""
    found: set[str] = set()
    known = False
    for table in _TABLES:
        try:
            _, *lines = Path(table).read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        known = True
        for line in lines:
            _, local, _, state, *rest = line.split()
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                found.add(rest[5])
    return found if known else None


def _sockets(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open; none where it is gone or not ours to look."""
    found = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                kind, _, inode = str(link.readlink()).partition(":")
                if kind == "socket":
                    found.add(inode.strip("[]"))
    return found
