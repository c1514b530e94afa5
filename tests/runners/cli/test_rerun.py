"""A recorded suite is made again as it was asked."""

from __future__ import annotations

from pathlib import Path

from evals.suites import Suite, SuiteTask, Workload
from runners.cli.rerun import _suite_of
from runners.jobs.suite_digest import suite_digest
from runners.records.record import Record
from tests.runners.conftest import Bench, tiny_suite

EXAMPLE = Path(__file__).parents[2] / "data" / "record.json"


def run(bench: Bench, suite: Suite) -> Record:
    from dataclasses import replace

    from runners.jobs.run import run_job

    ((job, _),) = bench.jobs(bench.fake())
    return run_job(replace(job, suite=suite), bench.options(), bench.steps.append)


def test_a_suite_comes_back_with_the_digest_that_it_had(bench: Bench) -> None:
    fill = Workload(prompt_tokens="fill", new_tokens=4)
    fixed = Workload(prompt_tokens=8, new_tokens=4, requests=3)
    usual = tiny_suite().model_copy(update={"latency_repeats": None})
    for workloads in ((fixed,), (fixed, fill), (fill.model_copy(update={"requests": 2}),)):
        suite = usual.model_copy(update={"workloads": workloads})
        again = _suite_of(run(bench, suite))
        tasks = [*bench.tasks.values()]
        assert suite_digest(again, tasks) == suite_digest(suite, tasks)
        assert again.workloads == workloads
        assert again.latency_repeats is None


def test_a_number_of_requests_that_a_suite_fixed_comes_back(bench: Bench) -> None:
    assert _suite_of(run(bench, tiny_suite())).latency_repeats == 2
    asked = Suite(name="s", tasks=(SuiteTask(task="tiny_choice", cluster="q"),))
    assert asked.tasks[0].model_dump(exclude_none=True) == {"task": "tiny_choice", "cluster": "q"}
