"""A user's own small tasks, one of each kind of request, and jobs of the shipped fake on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.suites import Suite, SuiteTask, Workload
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from runners.batches.batch import Batch, Outcome, plan_jobs, resolver, run_batch
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget
from runners.jobs.job import Job, Options
from runners.jobs.measured import Step
from runners.jobs.prepared import PreparedTask
from runners.jobs.user_level import Users
from runners.records.record import Record
from runners.records.store import Store

ITEMS = 12
KINDS = ("tiny_choice", "tiny_cloze", "tiny_prose", "tiny_answer")
MEAN = {"aggregation": "mean", "higher_is_better": True}
CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metric_list": [{"metric": "acc", **MEAN}, {"metric": "acc_norm", **MEAN}],
}
TASKS: dict[str, dict[str, Any]] = {
    "tiny_choice": CHOICE,
    "tiny_cloze": {
        "output_type": "loglikelihood",
        "doc_to_text": "q",
        "doc_to_target": "answer",
        "metric_list": [
            {"metric": "acc", **MEAN},
            {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
        ],
    },
    "tiny_prose": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "text",
        "metric_list": [{"metric": "word_perplexity"}, {"metric": "bits_per_byte"}],
    },
    "tiny_answer": {
        "output_type": "generate_until",
        "doc_to_text": "q",
        "doc_to_target": "answer",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8},
        "metric_list": [{"metric": "exact_match", **MEAN}],
        "filter_list": [
            {
                "name": "number",
                "filter": [
                    {"function": "regex", "regex_pattern": r"(\d+)"},
                    {"function": "take_first"},
                ],
            },
            {"name": "whole", "filter": [{"function": "take_first"}]},
        ],
    },
}


def write_task(folder: Path, name: str, config: dict[str, Any], items: int = ITEMS) -> None:
    """One task file and its rows; datasets' cache lies beside them."""
    rows = [
        {
            "q": f"{name}: is {n} even?",
            "options": ["yes", "nay", "may"],
            "gold": 1,
            "answer": "42" if n % 3 else "43",
            "text": "One short line. " * (n + 1),
        }
        for n in range(items)
    ]
    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    local = {"data_files": {"test": str(data)}, "cache_dir": str(folder / "cache")}
    whole = {"dataset_path": "json", "dataset_kwargs": local, "test_split": "test", **config}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name, **whole}))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four tasks of `TASKS`, twelve items each."""
    folder = tmp_path_factory.mktemp("tiny")
    for name, config in TASKS.items():
        write_task(folder, name, config)
    return folder


def tiny_suite(*names: str) -> Suite:
    """Those tasks, with one short workload of two requests."""
    return Suite(
        name="tiny",
        tasks=tuple(SuiteTask(task=name) for name in names or KINDS),
        workloads=(Workload(prompt_tokens=8, new_tokens=4),),
        latency_repeats=2,
    )


def prepare(folder: Path, suite: Suite) -> list[PreparedTask]:
    return [
        PreparedTask(loaded=task, items=tuple(build_requests(task)))
        for task in load_suite(suite, include=folder, trust_tasks=True)
    ]


@pytest.fixture(scope="session")
def prepared(tiny: Path) -> dict[str, PreparedTask]:
    """The four tasks by name, loaded once."""
    return {task.loaded.name: task for task in prepare(tiny, tiny_suite())}


@pytest.fixture(scope="session")
def task_writer() -> Callable[..., None]:
    """`write_task`, for tests with a folder of their own."""
    return write_task


@pytest.fixture(scope="session")
def loader() -> Callable[..., list[PreparedTask]]:
    """Tasks of a folder by name, loaded anew: lm-eval keeps its answers in the task."""
    return lambda folder, *names: prepare(folder, tiny_suite(*names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Runs fakes on the tiny tasks in this process, each in a real worker."""

    store: Store
    tasks: dict[str, PreparedTask]
    steps: list[Step]

    @staticmethod
    def fake(name: str = "fake", **told: Any) -> Candidate:
        """A candidate that does as it is told."""
        settings = {"fake": told, "threads": 1}
        return Candidate.model_validate({"name": name, "runtime": "fake", "settings": settings})

    def options(self, **given: Any) -> Options:
        usual: dict[str, Any] = {
            "store": self.store,
            "command": "weighin run",
            "timeout_s": 60.0,
        }
        return Options(**{**usual, **given})

    def jobs(
        self,
        *candidates: Candidate,
        tasks: tuple[str, ...] = KINDS,
        repeats: int = 1,
        budget: Budget | None = None,
        users: Users | None = None,
    ) -> list[tuple[Job, Any]]:
        batch = Batch(
            candidates=candidates,
            suite=tiny_suite(*tasks),
            repeats=repeats,
            budget=budget,
            users=users,
        )
        return plan_jobs(batch, [self.tasks[name] for name in tasks], resolver(batch))

    def outcomes(self, *candidates: Candidate, **given: Any) -> list[Outcome]:
        tasks = given.pop("tasks", KINDS)
        jobs = self.jobs(
            *candidates,
            tasks=tasks,
            repeats=given.pop("repeats", 1),
            budget=given.pop("budget", None),
            users=given.pop("users", None),
        )
        options = self.options(**given)
        return list(run_batch(jobs, options, lambda _, step: self.steps.append(step)))

    def run(self, **told: Any) -> Record:
        """The record of one fake that is told this."""
        (outcome,) = self.outcomes(self.fake(**told))
        return outcome.record


@pytest.fixture
def bench(tmp_path: Path, prepared: dict[str, PreparedTask]) -> Bench:
    return Bench(store=Store(tmp_path / "store"), tasks=prepared, steps=[])
