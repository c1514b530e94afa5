from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runners.cli.progress import ProgressLines
from runners.jobs.measured import Step

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

JOB: Any = SimpleNamespace(position=0, jobs=1, candidate=SimpleNamespace(name="tiny"), repeat=0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_latency_phase_says_which_request_is_answered() -> None:
    step = Step(phase="latency", workload="512+64", done=0, total=6)
    shown, log = Terminal(), io.StringIO()
    for stream in (shown, log):
        ProgressLines(stream).step(JOB, step)
    lines = ProgressLines(log)
    lines.step(JOB, step)
    lines.step(JOB, replace(step, done=1))
    assert shown.getvalue() == "[1/1] tiny  latency 512+64  0/6 requests"
    assert log.getvalue().count("\n") == 2  # a line a workload and not a count, in each of two


@pytest.mark.slow
def test_a_job_tells_the_requests_of_each_workload(bench: Bench) -> None:
    # Two timed requests after a warm-up, 0.9 s in all; the worker reports every half second.
    bench.run(delay_first_token_s=0.3)
    told = [step for step in bench.steps if step.workload]
    assert told[0] == Step(phase="latency", workload="8+4", done=0, total=3)
    assert {step.done for step in told[1:]} <= {1, 2, 3}
    assert len(told) > 1
