"""Make the record's part about a server, and leave out what is not the server's."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from runners.jobs.measured import AnsweredWindow, TimedPhase
from runners.records.circumstances import MachineInfo
from runners.records.server import ServerInfo

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.worker import protocol

ELSEWHERE = "the model runs behind a URL, where Weighin cannot look"
UNKNOWN = {
    "memory": ELSEWHERE,
    "weights": f"{ELSEWHERE}; what the server says of them is in `about`",
    "machine": ELSEWHERE,
    "cold start": "the server ran before it was asked",
    "energy": ELSEWHERE,
}


def server_info(job: Job, measured: Measured) -> ServerInfo | None:
    """What is known of the server; None where the model was in a process of ours."""
    model = measured.model
    said = model.server if model else None
    if said is None and not job.elsewhere:
        return None
    tries = _tries(measured)
    timed = measured.last(TimedPhase)
    times = list(timed.times.values()) if timed else []
    ratios = [one.cache_ratio for one in times if one.cache_ratio is not None]
    cached = [one.cached_tokens for one in times]
    known = [one for one in cached if one is not None]
    outcomes: Counter[str] = Counter()
    for one in tries:
        outcomes.update(one.outcomes)
    return ServerInfo(
        url=job.settings.get("url") if job.elsewhere else None,
        **(asdict(said) if said else {}),
        requests=sum(one.requests for one in tries),
        retries=sum(one.retries for one in tries),
        waited_s=sum((one.waited_s for one in tries), 0.0),
        outcomes=dict(outcomes),
        cached_tokens=max(known) if known and len(known) == len(cached) else None,
        cache_ratio=max(ratios, default=None),
        ended_early=sum(one.ended_early for one in times),
        unknown=UNKNOWN if job.elsewhere else {},
    )


def machine_info(job: Job) -> MachineInfo:
    """This machine; of a model elsewhere nothing but a fingerprint that no other machine has."""
    if job.elsewhere:
        return MachineInfo(fingerprint=job.place)
    return MachineInfo(**asdict(job.machine), fingerprint=job.place)


def _tries(measured: Measured) -> list[protocol.Tries]:
    timed = measured.last(TimedPhase)
    of_times = [one.tries for one in timed.times.values()] if timed else []
    of_windows = [window.reply.tries for window in measured.all(AnsweredWindow)]
    return [one for one in (*of_times, *of_windows) if one is not None]
