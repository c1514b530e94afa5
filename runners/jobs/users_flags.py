"""Reasons to distrust or to qualify the numbers of several users at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runners.records.parts import FlagInfo

if TYPE_CHECKING:
    from runners.jobs.seen import Seen
    from runners.records.record import Record
    from runners.records.users import UsersLevelInfo

CLIENT_CPUS = 0.8
"""Cores that the client may use: its threads share one interpreter, which can use one."""
IDLE_SHARE = 0.05
"""Share of the users' time that may pass without a request under way, where none failed."""
LAG_SHARE = 0.05
"""Share of the median TTFT by which stamps may be late."""
OTHERS_CPUS = 0.25
"""Average cores that other processes may use, as in a timed phase."""


def _levels(record: Record) -> list[UsersLevelInfo]:
    return record.users.levels if record.users else []


def _broken(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for level in _levels(record):
        if level.error:
            yield _warning("users not served", f"{level.users} at once: {level.error}")


def _failed(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for level in _levels(record):
        if level.failed and not level.error:
            met = ", ".join(f"{name} {n}" for name, n in sorted(level.failed.items()))
            detail = f"{level.users} at once: {sum(level.failed.values())} of {level.sent} ({met}),"
            yield _warning("requests failed", f"{detail} which are in no time")


def _saturated(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Warn where the client may have been the bottleneck, or its stamps late."""
    for level in _levels(record):
        if level.error:
            continue
        found = []
        cpus, lag = level.client_cpus or 0.0, level.client_lag_s or 0.0
        if cpus > CLIENT_CPUS:
            found.append(f"used {cpus:.2f} cores of the one that it can use")
        idle = 1 - (level.in_flight or 0.0) / level.users
        if idle > IDLE_SHARE and not level.failed:
            found.append(f"left its users without a request {idle:.0%} of the time")
        if level.ttft_s and lag > LAG_SHARE * level.ttft_s.p50:
            found.append(f"may have stamped {lag * 1e3:.1f} ms late")
        if found:
            yield _warning("client saturated", f"{level.users} at once: it {', '.join(found)}")


def _contended(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    busy = [
        (level.users, level.others_cpus)
        for level in _levels(record)
        if level.others_cpus is not None and level.others_cpus > OTHERS_CPUS
    ]
    if busy:
        told = ", ".join(f"{cpus:.2f} at {users}" for users, cpus in busy)
        detail = f"other processes used cores while several users asked ({told} users; limit "
        yield _warning("contended", f"{detail}{OTHERS_CPUS})")


def _cached(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    most = max((level.cached_tokens or 0 for level in _levels(record)), default=0)
    if most > 1:
        detail = f"up to {most} prompt tokens of one of several users' requests came from a cache"
        yield _warning("prompt cache", detail)


def _early(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    early = sum(level.ended_early for level in _levels(record))
    if early:
        detail = f"{early} answers to several users ended before the tokens that were asked for"
        yield _note("answers ended early", detail)


def _waiting(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Note a server that works on fewer requests at once than there are users."""
    fewer = [
        level for level in _levels(record) if level.slots is not None and level.slots < level.users
    ]
    if fewer:
        slots, users = fewer[-1].slots, fewer[-1].users
        detail = f"the server works on {slots} requests at once: of {users} users the others wait"
        yield _note("users wait", detail)


def _warning(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail)


def _note(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail, level="note")


USERS_RULES = (_broken, _failed, _saturated, _contended, _cached, _early, _waiting)
