"""Open files that a process may have, of which every connection is one."""

from __future__ import annotations

import sys

from runners.worker.runtime import WorkerError

BESIDE = 128
"""Files besides the connections: weights, libraries, pipes."""


def allow_connections(users: int) -> None:
    """Let this process, and servers that it starts from now on, have a connection for each user.

    A shell usually allows 1,024 open files, and more where a program asks for it.

    Raises:
        WorkerError: the system does not allow as many.
    """
    if sys.platform == "win32":  # where no such limit holds for connections
        return
    import resource

    needed = users + BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError) as error:
        raise WorkerError(
            f"{users:,} users at once need {needed:,} open files, and this system allows a process "
            f"{hard:,} (ulimit -Hn): ask for fewer users, or have it raised"
        ) from error
