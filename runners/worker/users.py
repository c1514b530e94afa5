"""Messages about several users at once. Standard library alone.

They are part of the protocol (`protocol.py`), whose names they are used by.
"""

from __future__ import annotations

from dataclasses import dataclass

from runners.worker.generation import RequestTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUsers:
    """Have the server ready for so many users; one that Weighin starts may be started anew."""

    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersOpened:
    """The server is there for so many users."""

    slots: int | None
    """Requests that it works on at once; None: it does not say."""
    context: int | None
    """Tokens that each of them may have; None: it does not say."""
    ready_s: float | None
    """Seconds from its start to its first token; None: it was not started for this."""
    root_pid: int | None
    """Its process; None: it is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsers:
    """Keep so many users busy: each sends its next request when the last was answered."""

    users: int
    seconds: float
    """Length of the window whose requests count."""
    workloads: list[tuple[int, int]]
    """Prompt and new tokens; each user takes all of them in turn, in a drawn order."""
    seed: int
    """Draws those orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRequest:
    """One request of one user."""

    user: int
    workload: int
    """Index among the workloads asked for."""
    sent_s: float
    """Moment when its user asked, seconds after the window began; negative for one that straddles
    its beginning. The clock of `times` starts later by the opening of a connection."""
    ended_s: float
    """Moment when its answer, or its failure, was whole."""
    times: RequestTimes | None
    """Times of its answer; None: it failed."""
    fault: str = ""
    """Outcome of one that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersTimes:
    """The answer to `RunUsers`."""

    window_s: float
    """Length of the window: what was asked for, or until each user had sent a request in it."""
    requests: list[UserRequest]
    """All that were under way within the window, each followed to its end, in the order in which
    they were sent."""
    warmups: int
    """Requests that had ended before the window began."""
    held: int
    """Requests that were sent after it, so that the last of it met the same load, and given up."""
    client_cpus: float
    """Cores that the client used during the window."""
    client_lag_s: float
    """95th percentile of how late a timer in the client woke, by which its stamps may be late."""
    cached_tokens: int | None = None
    """Most prompt tokens of a request that the server took from a cache; None: not told."""
