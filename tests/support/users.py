"""Levels of several users, out of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runners.records.latency import summary
from runners.records.users import UserRequestsInfo, UsersInfo, UsersLevelInfo

MIB = 2**20


def level(
    users: int, tokens_per_s: float | None, ttft_s: Sequence[float], **more: Any
) -> UsersLevelInfo:
    """A level whose requests have these TTFTs, 50 ms a token and 4 s to their ends."""
    n = len(ttft_s)
    requests = UserRequestsInfo(
        user=[i % users for i in range(n)], workload=[0] * n, sent_s=[float(i) for i in range(n)],
        ttft_s=list(ttft_s), tpot_s=[0.05] * n, e2el_s=[4.0] * n, tokens=[64] * n,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "users": users, "slots": users, "context": 4096, "seconds": 30.0, "sent": n,
        "request_throughput": None if tokens_per_s is None else tokens_per_s / 64,
        "output_throughput": tokens_per_s, "in_flight": float(users),
        "ttft_s": _summary(ttft_s), "itl_s": _summary([0.05, 0.06]), "tpot_s": _summary([0.05]),
        "e2el_s": _summary([4.0]), "requests": requests, "peak_bytes": (200 + 50 * users) * MIB,
        "memory_source": "VmHWM",
    }  # fmt: skip
    return UsersLevelInfo.model_validate({**usual, **more})


def users_info(*levels: UsersLevelInfo, **more: Any) -> UsersInfo:
    """Several users of 512 + 64 tokens, windows of 30 s, the usual deadlines."""
    usual: dict[str, Any] = {
        "workloads": ["512+64"], "seconds": 30.0, "deadline_ttft_s": 2.0, "deadline_tpot_s": 0.2,
        "levels": list(levels),
    }  # fmt: skip
    return UsersInfo(**{**usual, **more})


def _summary(values: Sequence[float]) -> dict[str, Any]:
    found = summary(values)
    return {name: getattr(found, name) for name in type(found).__slots__}
