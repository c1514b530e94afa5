"""The latency phase: each of the suite's workloads, timed.

Nothing of ours runs meanwhile: the parent is blocked on the worker's pipe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from runners.jobs.measured import Notify, Step, TimedPhase, Timing
from runners.measure.noise import cpu_seconds, noise_between, read_noise
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

    Where the worker dies, what was timed until then is kept.

    Raises:
        RuntimeFailure: the candidate failed.
    """
    own = [os.getpid()]
    questions = {one.name: _question(job, one, measured) for one in job.suite.workloads}
    times: dict[str, protocol.LatencyTimes] = {}
    first_token_s = None
    before, cpu_before, started = read_noise(), cpu_seconds(own), time.perf_counter()
    try:
        for name, question in questions.items():
            if question is None:
                continue
            measured.add(Timing(workload=name))
            counter = _request_counter(name, question.warmups + question.repeats, notify)
            asked_ns = time.perf_counter_ns()
            times[name] = answer = worker.ask(question, protocol.LatencyTimes, counter)
            if first_token_s is None:
                first_token_s = (answer.first_token_ns - asked_ns) / 1e9
    finally:
        after, elapsed_s = read_noise(), time.perf_counter() - started
        own_cpu_s = cpu_seconds(own) - cpu_before
        measured.add(
            TimedPhase(
                times=times,
                skipped=[name for name, question in questions.items() if question is None],
                first_token_s=first_token_s,
                noise=noise_between(before, after, own_cpu_s=own_cpu_s, elapsed_s=elapsed_s),
                readings={"before": asdict(before), "after": asdict(after)},
            )
        )


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
