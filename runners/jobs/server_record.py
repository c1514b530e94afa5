"""Make the record's part about a server, and leave out what is not the server's."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from evals.errors import RecordError
from runners.jobs.measured import AnsweredWindow, TimedPhase
from runners.records.circumstances import MachineInfo
from runners.records.run_ids import candidate_of, slug_of
from runners.records.server import ServerInfo

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.records.store import Store
    from runners.worker import protocol

ELSEWHERE = "the model runs behind a URL, where Weighin cannot look"
UNKNOWN = {
    "memory": ELSEWHERE,
    "weights": f"{ELSEWHERE}; what the server says of them is in `about`",
    "machine": ELSEWHERE,
    "cold start": "the server ran before it was asked",
    "energy": ELSEWHERE,
}


def server_info(job: Job, measured: Measured, store: Store) -> ServerInfo | None:
    """What is known of the server; None where the model was in a process of ours.

    Args:
        job: what was run.
        measured: what came of it.
        store: earlier runs, whose first greedy answers are held against this one's.
    """
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
        answered_otherwise=_other_answers(job, said.answers if said else [], store),
        requests=sum(one.requests for one in tries),
        retries=sum(one.retries for one in tries),
        waited_s=sum((one.waited_s for one in tries), 0.0),
        outcomes=dict(outcomes),
        cached_tokens=max(known) if known and len(known) == len(cached) else None,
        cache_ratio=max(ratios, default=None),
        ended_early=sum(one.ended_early for one in times),
        unknown=UNKNOWN if job.elsewhere else {},
    )


def _other_answers(job: Job, answers: list[str], store: Store) -> str:
    """The newest earlier run of the candidate elsewhere, where its first answers were others."""
    if not job.elsewhere or not answers:
        return ""
    slug = slug_of(job.candidate.name)
    for run_id in reversed([one for one in store.run_ids() if candidate_of(one) == slug]):
        try:
            earlier = store.read(run_id, raw=False)
        except RecordError:
            continue
        same = earlier.candidate.digest == job.candidate_digest
        if same and earlier.server is not None and earlier.server.answers:
            return "" if earlier.server.answers == answers else run_id
    return ""


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
