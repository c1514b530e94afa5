"""The latency phase: each of the suite's workloads, timed.

Nothing of ours runs meanwhile: the parent is blocked on the worker's pipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runners.jobs.affordable import affordable
from runners.jobs.disturbance import Disturbance, disturbance
from runners.jobs.measured import Notify, Step, Timing
from runners.worker import protocol

if TYPE_CHECKING:
    from evals.suites import Workload
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.jobs.worker_process import WorkerProcess

WARMUPS = 1
"""Requests before the timed ones of a workload, stored apart; none before one that fills the
context, whose prompt is thousands of tokens long."""


def time_workloads(job: Job, worker: WorkerProcess, measured: Measured, notify: Notify) -> None:
    """Time every workload that fits the candidate's context, and what else the machine did.

    Where the job says how long that may take, later workloads have fewer requests, or none.

    Where the worker dies, what was timed until then is kept.

    Raises:
        RuntimeFailure: the candidate failed.
    """
    questions = {one.name: _question(job, one, measured) for one in job.workloads}
    times: dict[str, protocol.LatencyTimes] = {}
    first_token_s = None
    found = Disturbance()
    before: tuple[protocol.LatencyTimes | None, int] = (None, 1)
    begun_s = time.perf_counter()
    try:
        with disturbance() as found:
            for name, question in questions.items():
                if question is not None and job.timing_s is not None:
                    left_s = job.timing_s - (time.perf_counter() - begun_s)
                    questions[name] = question = affordable(question, *before, left_s)
                if question is None:
                    continue
                measured.add(Timing(workload=name))
                counter = _request_counter(name, question.warmups + question.repeats, notify)
                asked_ns = time.perf_counter_ns()
                times[name] = answer = worker.ask(question, protocol.LatencyTimes, counter)
                before = (answer, question.prompt_tokens)
                if first_token_s is None:
                    first_token_s = (answer.first_token_ns - asked_ns) / 1e9
    finally:
        skipped = [name for name, question in questions.items() if question is None]
        measured.add(found.timed(times, skipped, first_token_s))


def _question(job: Job, workload: Workload, measured: Measured) -> protocol.RunLatency | None:
    """Request to the worker for one workload; None where it does not fit the context."""
    prompt = workload.prompt_of(measured.model.context) if measured.model else None
    if prompt is None:
        return None
    return protocol.RunLatency(
        prompt_tokens=prompt,
        new_tokens=workload.new_tokens,
        warmups=0 if workload.fills else WARMUPS,
        repeats=job.suite.requests(workload, job.repeats),
    )


def _request_counter(workload: str, total: int, notify: Notify) -> Callable[[int], None]:
    """Tells how many requests of a workload are answered; the worker says so between two."""

    def count(done: int) -> None:
        notify(Step(phase="latency", workload=workload, done=done, total=total))

    count(0)
    return count
