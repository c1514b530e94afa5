"""Connections of many users: more open files than a shell allows, and descriptors beyond 1,024."""

from __future__ import annotations

import fcntl
import resource
import socket
from collections.abc import Iterator

import pytest

from runners.endpoint.open_files import allow_connections
from runners.endpoint.transport import is_readable
from runners.worker.runtime import WorkerError


@pytest.fixture(autouse=True)
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, which it has again afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_by_what_the_users_need(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    allow_connections(100)  # 228 with those beside
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, hard)
    allow_connections(1000)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1128, hard)


def test_users_for_whom_there_are_no_files_are_refused(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    most = 2**40 if hard == resource.RLIM_INFINITY else hard
    with pytest.raises(WorkerError, match=f"this system allows a process {hard:,} "):
        allow_connections(most)


def test_a_connection_of_a_high_number_is_looked_at() -> None:
    allow_connections(1100)
    ours, theirs = socket.socketpair()
    with socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 1100)) as high, theirs:
        ours.close()
        assert high.fileno() >= 1100
        assert not is_readable(high)
        theirs.send(b"x")
        assert is_readable(high)
        high.recv(1)
        assert not is_readable(high)
        theirs.close()  # the end of a connection can be read, too
        assert is_readable(high)
