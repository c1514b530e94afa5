"""Make the record's part about several users at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from runners.jobs.server_record import ELSEWHERE
from runners.jobs.user_level import UsersLevel, fixed_workloads
from runners.records import latency
from runners.records.answers import SummaryInfo
from runners.records.goodput import DEADLINE_TPOT_S, DEADLINE_TTFT_S
from runners.records.users import UserRequestsInfo, UsersInfo, UsersLevelInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.worker.protocol import UserRequest, UsersTimes

NO_PEAK = "the server was gone, or this kernel keeps no high-water mark"


def users_info(job: Job, measured: Measured) -> UsersInfo | None:
    """Every level that was measured, or why it was not; None where nobody asked, or nothing came
    so far.
    """
    levels = measured.all(UsersLevel)
    if job.users is None or not levels:
        return None
    ttft_s, tpot_s = deadlines(job)
    workloads = fixed_workloads(job.suite, measured.model.context if measured.model else None)
    return UsersInfo(
        workloads=[workload.name for workload in workloads],
        seconds=job.users.seconds,
        deadline_ttft_s=ttft_s,
        deadline_tpot_s=tpot_s,
        levels=[_level(job, level, [one.new_tokens for one in workloads]) for level in levels],
    )


def deadlines(job: Job) -> tuple[float, float]:
    """Deadlines on TTFT and on the time per output token: the budget's, else the usual ones."""
    budget = job.budget
    ttft_s = budget.deadline_ttft_s if budget else None
    decode = budget.min_decode_tokens_per_s if budget else None
    return ttft_s or DEADLINE_TTFT_S, 1 / decode if decode else DEADLINE_TPOT_S


def _level(job: Job, level: UsersLevel, new_tokens: Sequence[int]) -> UsersLevelInfo:
    opened, times, memory = level.opened, level.times, level.memory
    source = memory.source if memory else NO_PEAK
    known: dict[str, Any] = {} if times is None else _times(times, new_tokens)
    return UsersLevelInfo(
        users=level.users,
        error=level.error,
        slots=opened.slots if opened else None,
        context=opened.context if opened else None,
        ready_s=opened.ready_s if opened else None,
        others_cpus=level.others_cpus,
        peak_bytes=memory.peak_bytes if memory and not job.elsewhere else None,
        anon_bytes=memory.anon_bytes if memory and not job.elsewhere else None,
        file_bytes=memory.file_bytes if memory and not job.elsewhere else None,
        group_peak_bytes=level.group_peak_bytes,
        memory_source=ELSEWHERE if job.elsewhere else source,
        **known,
    )


def _times(times: UsersTimes, new_tokens: Sequence[int]) -> dict[str, Any]:
    """Keys of a level that its requests tell."""
    sent = [one for one in times.requests if one.sent_s >= 0]
    answered = [one for one in sent if one.times is not None]
    derived = [latency.request_latency(one.times) for one in answered if one.times is not None]
    counts = [one.times.counted for one in answered if one.times is not None]
    short = [
        count < new_tokens[one.workload]
        for one, count in zip(answered, counts, strict=True)
        if count is not None
    ]
    return {
        "seconds": times.window_s,
        "sent": len(sent),
        "failed": dict(Counter(one.fault for one in sent if one.times is None)),
        "ended_early": sum(short),
        "cached_tokens": times.cached_tokens,
        "request_throughput": _ended_within(times) / times.window_s,
        "output_throughput": _tokens_a_second(times),
        "in_flight": sum(_overlap(one, times.window_s) for one in times.requests) / times.window_s,
        "ttft_s": _summary([one.ttft_s for one in derived]),
        "itl_s": _summary([gap for one in derived for gap in one.itl_s]),
        "tpot_s": _summary([one.tpot_s for one in derived if one.tpot_s is not None]),
        "e2el_s": _summary([one.e2e_s for one in derived]),
        "requests": UserRequestsInfo(
            user=[one.user for one in answered],
            workload=[one.workload for one in answered],
            sent_s=[one.sent_s for one in answered],
            ttft_s=[one.ttft_s for one in derived],
            tpot_s=[one.tpot_s for one in derived],
            e2el_s=[one.e2e_s for one in derived],
            tokens=counts,
        ),
        "client_cpus": times.client_cpus,
        "client_lag_s": times.client_lag_s,
    }


def _summary(values: Sequence[float]) -> SummaryInfo | None:
    return SummaryInfo(**asdict(latency.summary(values))) if values else None


def _ended_within(times: UsersTimes) -> int:
    """Requests that were answered within the window, those sent before it too."""
    return sum(
        one.times is not None and 0 < one.ended_s <= times.window_s for one in times.requests
    )


def _tokens_a_second(times: UsersTimes) -> float | None:
    """Output tokens that came within the window by its seconds; None where nobody counted them.

    An event that holds several tokens holds its share of the request's.
    """
    tokens = 0.0
    for one in times.requests:
        if one.times is None:
            continue
        if one.times.counted is None:
            return None
        moments = [one.sent_s + moment for moment in one.times.token_s]
        within = sum(0 < moment <= times.window_s for moment in moments)
        tokens += one.times.counted * within / len(moments)
    return tokens / times.window_s


def _overlap(one: UserRequest, window_s: float) -> float:
    """Seconds of the window in which a request was under way."""
    return max(0.0, min(one.ended_s, window_s) - max(one.sent_s, 0.0))
