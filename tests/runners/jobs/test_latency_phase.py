"""What is asked of each workload, and what is left where the worker dies in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from evals.suites import Workload
from runners.jobs.latency_phase import time_workloads
from runners.jobs.measured import LoadedModel, Measured, TimedPhase, Timing
from runners.jobs.worker_process import WorkerCrash, WorkerProcess
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from tests.runners.conftest import Bench

SHORT = Workload(prompt_tokens=8, new_tokens=4)
FILL = Workload(prompt_tokens="fill", new_tokens=4)


class Dying:
    """Answers prompts up to a length, and is gone then."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.asked: list[protocol.RunLatency] = []

    def ask(self, question: protocol.RunLatency, *_: Any) -> protocol.LatencyTimes:
        self.asked.append(question)
        if question.prompt_tokens > self.longest:
            raise WorkerCrash("the worker was ended by SIGKILL")
        one = protocol.RequestTimes(prefill_s=0.1, token_s=[0.1, 0.2, 0.3, 0.4])
        return protocol.LatencyTimes(
            warmups=[one] * question.warmups,
            repeats=[one] * question.repeats,
            evaluated_tokens=question.prompt_tokens,
            first_token_ns=0,
        )


def timed(bench: Bench, worker: Dying, measured: Measured, *workloads: Workload) -> None:
    ((job, _),) = bench.jobs(bench.fake())
    time_workloads(
        with_workloads(job, *workloads), cast("WorkerProcess", worker), measured, lambda _: None
    )


def with_workloads(job: Job, *workloads: Workload) -> Job:
    from dataclasses import replace

    return replace(job, suite=job.suite.model_copy(update={"workloads": workloads}))


@pytest.fixture(name="measured")
def _measured() -> Measured:
    """A model with a context of 64 tokens is loaded."""
    measured = Measured()
    model = protocol.Loaded(
        seconds=0, weights_bytes=0, parameters=0, context=64, trained_context=64, threads=1,
        vocabulary=1, architecture="", chat_template=False,
    )  # fmt: skip
    measured.add(LoadedModel(model=model, load_s=0.0))
    return measured


def test_what_fills_the_context_is_one_request_without_a_warm_up(
    bench: Bench, measured: Measured
) -> None:
    worker = Dying(64)
    timed(bench, worker, measured, SHORT, FILL, Workload(prompt_tokens=61, new_tokens=4))
    assert [(q.prompt_tokens, q.warmups, q.repeats) for q in worker.asked] == [
        (8, 1, 2),
        (60, 0, 1),
    ]
    (phase,) = measured.all(TimedPhase)
    assert phase.skipped == ["61+4"]


def test_what_was_timed_before_the_worker_died_is_kept(bench: Bench, measured: Measured) -> None:
    with pytest.raises(WorkerCrash):
        timed(bench, Dying(8), measured, SHORT, FILL)
    (phase,) = measured.all(TimedPhase)
    assert list(phase.times) == ["8+4"]
    last = measured.last(Timing)
    assert last
    assert last.workload == "fill+4"
