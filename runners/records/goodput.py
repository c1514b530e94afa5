"""Goodput, the knee and what a number of users meets: pure arithmetic on a level's requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runners.records.users import UsersInfo, UsersLevelInfo

DEADLINE_TTFT_S, DEADLINE_TPOT_S = 2.0, 0.2
"""Deadlines where nobody sets others: those of MLPerf Inference for a Llama 2 70B behind a server
(v4.0: 2,000 ms and 200 ms)."""
ENOUGH = 0.95
"""Share of a level's requests that must be good for its users to be served."""


def good(level: UsersLevelInfo, ttft_s: float, tpot_s: float) -> int:
    """Requests of a level whose TTFT and TPOT keep to the deadlines; a failed one does not.

    A TPOT that is not known keeps to any: the server counts no tokens, or wrote one.
    """
    requests = level.requests
    if requests is None:
        return 0
    return sum(
        ttft <= ttft_s and (tpot is None or tpot <= tpot_s)
        for ttft, tpot in zip(requests.ttft_s, requests.tpot_s, strict=True)
    )


def good_share(level: UsersLevelInfo, ttft_s: float, tpot_s: float) -> float | None:
    """Share of the requests sent that are good; None where none was."""
    return good(level, ttft_s, tpot_s) / level.sent if level.sent else None


def goodput(level: UsersLevelInfo, ttft_s: float, tpot_s: float) -> float | None:
    """Good requests a second: the request throughput, times the share of answers that are good.

    Returns:
        None where no request was answered.
    """
    answered = len(level.requests.ttft_s) if level.requests else 0
    if level.request_throughput is None or not answered:
        return None
    return level.request_throughput * good(level, ttft_s, tpot_s) / answered


def served(info: UsersInfo) -> int | None:
    """The most users who are served within the record's own deadlines.

    Returns:
        The greatest level at which, and at all below it, 95 % of the requests are good; 0 where the
        smallest misses them, None where no level was measured.
    """
    found: int | None = None
    for level in sorted(info.levels, key=lambda one: one.users):
        share = good_share(level, info.deadline_ttft_s, info.deadline_tpot_s)
        if share is None:
            return 0 if found is None and level.error else found
        if share < ENOUGH:
            return found or 0
        found = level.users
    return found


def throughput(level: UsersLevelInfo) -> float | None:
    """Output tokens a second, or requests a second where nobody counts tokens."""
    found = level.output_throughput
    return level.request_throughput if found is None else found


def knee(levels: Iterable[UsersLevelInfo]) -> int | None:
    """The number of users with the greatest power: throughput by response time.

    In a closed loop of N users the response time is N / X (Little's law), so that the power is
    X² / N: twice the users are worth it while they raise the throughput by more than √2.
    Source: L. Kleinrock, Power and deterministic rules of thumb for probabilistic problems in
    computer communications, ICC 1979.

    Returns:
        The smallest of equals; None of fewer than two levels.
    """
    power = {
        level.users: found**2 / level.users
        for level in levels
        if level.users and (found := throughput(level)) is not None
    }
    if len(power) < 2:
        return None
    best = max(power.values())
    return min(users for users, one in power.items() if one == best) if best else None
