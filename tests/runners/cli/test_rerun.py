"""A recorded suite is made again as it was asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import SpecError
from evals.questions.reading import read_questions
from evals.suites import Suite, SuiteTask, Workload
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from runners.cli.rerun import questions_of, suite_of
from runners.jobs.prepared import PreparedTask
from runners.jobs.run import run_job
from runners.jobs.suite_digest import suite_digest
from runners.records.record import DataInfo, Record
from runners.records.store import Store
from tests.runners.conftest import Bench, tiny_suite

REFERENCE = Path(__file__).parents[3] / "results" / "reference"


def run(bench: Bench, suite: Suite) -> Record:
    ((job, _),) = bench.jobs(bench.fake())
    return run_job(replace(job, suite=suite), bench.options(), bench.steps.append)


def test_a_suite_comes_back_with_the_digest_that_it_had(bench: Bench) -> None:
    fill = Workload(prompt_tokens="fill", new_tokens=4)
    fixed = Workload(prompt_tokens=8, new_tokens=4, requests=3)
    usual = tiny_suite().model_copy(update={"latency_repeats": None})
    for workloads in ((fixed,), (fixed, fill), (fill.model_copy(update={"requests": 2}),)):
        suite = usual.model_copy(update={"workloads": workloads})
        again = suite_of(run(bench, suite))
        tasks = [*bench.tasks.values()]
        assert suite_digest(again, tasks) == suite_digest(suite, tasks)
        assert again.workloads == workloads
        assert again.latency_repeats is None


def test_a_number_of_requests_that_a_suite_fixed_comes_back(bench: Bench) -> None:
    assert suite_of(run(bench, tiny_suite())).latency_repeats == 2
    asked = Suite(name="s", tasks=(SuiteTask(task="tiny_choice", cluster="q"),))
    assert asked.tasks[0].model_dump(exclude_none=True) == {"task": "tiny_choice", "cluster": "q"}


def test_own_questions_come_back_from_their_file_as_it_was(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question,answer\na,b\n")
    asked = read_questions(path)
    record = run(bench, tiny_suite())
    assert questions_of(record) is None
    data = DataInfo(
        task="mine", source="questions", uri=str(path), split="test", sha256=asked.sha256,
        licence="your own",
    )  # fmt: skip
    own = record.model_copy(update={"data": [data]})
    assert questions_of(own) == asked
    path.write_text("question,answer\na,c\n")
    with pytest.raises(SpecError, match=r"mine\.csv: is not the file that run"):
        questions_of(own)


@pytest.mark.data
def test_a_shipped_suite_that_was_recorded_is_asked_again_as_it_was() -> None:
    """Whatever version the catalogue has by now."""
    record = next(one for one in Store(REFERENCE).records() if isinstance(one, Record))
    suite = suite_of(record)
    tasks = [
        PreparedTask(loaded=one, items=tuple(build_requests(one))) for one in load_suite(suite)
    ]
    assert suite_digest(suite, tasks) == record.suite.digest
