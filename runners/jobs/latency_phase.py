"""The latency phase: each of the suite's workloads, timed.

Nothing of ours runs meanwhile: the parent is blocked on the worker's pipe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from runners.jobs.measured import Notify, Step, TimedPhase
from runners.measure.noise import cpu_seconds, noise_between, read_noise
from runners.worker import protocol

if TYPE_CHECKING:
    from evals.suites import Suite
    from runners.jobs.worker_process import WorkerProcess

WARMUPS = 1
"""Requests before the timed ones of a workload, stored apart."""


def time_workloads(suite: Suite, worker: WorkerProcess, context: int, notify: Notify) -> TimedPhase:
    """Time every workload that fits into `context` tokens, and what else the machine did.

    Raises:
        RuntimeFailure: the candidate failed.
    """
    own = [os.getpid()]
    times: dict[str, protocol.LatencyTimes] = {}
    first_token_s = None
    before, cpu_before, started = read_noise(), cpu_seconds(own), time.perf_counter()
    fitting = [w for w in suite.workloads if w.prompt_tokens + w.new_tokens <= context]
    for workload in fitting:
        asked_ns = time.perf_counter_ns()
        answer = worker.ask(
            protocol.RunLatency(
                prompt_tokens=workload.prompt_tokens,
                new_tokens=workload.new_tokens,
                warmups=WARMUPS,
                repeats=suite.latency_repeats,
            ),
            protocol.LatencyTimes,
            _request_counter(workload.name, suite.latency_repeats + WARMUPS, notify),
        )
        times[workload.name] = answer
        if first_token_s is None:
            first_token_s = (answer.first_token_ns - asked_ns) / 1e9
    after = read_noise()
    return TimedPhase(
        times=times,
        skipped=[workload.name for workload in suite.workloads if workload not in fitting],
        first_token_s=first_token_s,
        noise=noise_between(
            before,
            after,
            own_cpu_s=cpu_seconds(own) - cpu_before,
            elapsed_s=time.perf_counter() - started,
        ),
        readings={"before": asdict(before), "after": asdict(after)},
    )


def _request_counter(workload: str, total: int, notify: Notify) -> Callable[[int], None]:
    """Tells how many requests of a workload are answered; the worker says so between two."""

    def count(done: int) -> None:
        notify(Step(phase="latency", workload=workload, done=done, total=total))

    count(0)
    return count
