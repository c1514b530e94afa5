"""Lengths of context: who is asked them, what each is measured to cost, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from evals.suites import Suite, SuiteTask, Workload
from evals.tasks.load import load_suite
from leaderboard.rows.row import row
from runners.batches.batch import Batch, plan_jobs, resolver, run_batch
from runners.candidates.spec import Candidate
from runners.jobs.context_record import ONE_CONTEXT, PACKED, contexts_info
from runners.jobs.measured import AnsweredWindow, LoadedModel, Measured, Step
from runners.jobs.own_contexts import OpenedContext, close_context, why_not_asked
from runners.jobs.prepared import PreparedTask
from runners.worker import protocol
from tests.runners.conftest import Bench, build_requests

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.worker_process import WorkerProcess
    from runners.records.record import Record

BYTES = 20_000
"""Of a token, in the fake's contexts: 20.5 MB at 1,024 tokens."""
SUITE = Suite(
    name="lengths",
    tasks=(
        SuiteTask(task="niah_1k_single", limit=2),
        SuiteTask(task="niah_2k_single", limit=1),
        SuiteTask(task="niah_4k_single", limit=1),
        SuiteTask(task="niah_8k_single", limit=1, optional=True),
    ),
    workloads=(Workload(prompt_tokens=8, new_tokens=4),),
    latency_repeats=2,
)


def loaded(context: int, trained: int = 8192) -> protocol.Loaded:
    return protocol.Loaded(
        seconds=0, weights_bytes=0, parameters=0, context=context, trained_context=trained,
        threads=1, vocabulary=1, architecture="", chat_template=False,
    )  # fmt: skip


@pytest.fixture(name="tasks", scope="module")
def _tasks() -> list[PreparedTask]:
    return [PreparedTask(loaded=t, items=tuple(build_requests(t))) for t in load_suite(SUITE)]


def job_of(tasks: list[PreparedTask], *, context: int, **told: Any) -> Job:
    settings = {"context": context, "threads": 1, "fake": told}
    content = {"name": "fake", "runtime": "fake", "settings": settings}
    batch = Batch(candidates=(Candidate.model_validate(content),), suite=SUITE)
    ((job, _),) = plan_jobs(batch, tasks, resolver(batch))
    return job


@pytest.fixture(name="record")
def _record(bench: Bench, tasks: list[PreparedTask]) -> Record:
    """A fake whose context is 2,048 tokens long."""
    job = job_of(tasks, context=2048, context_bytes_per_token=BYTES, text="It is 42.")
    (outcome,) = run_batch([(job, None)], bench.options(), lambda _, step: bench.steps.append(step))
    return bench.store.find(outcome.record.run_id)


def test_each_length_is_measured_in_a_context_of_its_own(bench: Bench, record: Record) -> None:
    assert record.status == "completed"
    short, long = record.contexts["niah_1k_single"], record.contexts["niah_2k_single"]
    assert (short.tokens, short.opened, long.tokens, long.opened) == (1024, 1024, 2048, 2048)
    assert short.peak_bytes is not None
    assert long.peak_bytes is not None
    # 1,024 tokens more; glibc and the interpreter hold a little of their own.
    assert long.peak_bytes - short.peak_bytes == pytest.approx(1024 * BYTES, rel=0.1)
    assert record.memory is not None
    assert record.memory.phases["generation"].peak_bytes == long.peak_bytes
    assert short.prompt_tokens is not None
    assert short.prompt_tokens.n == 2
    assert short.ttft_s is not None
    assert short.unknown == {}
    # Two lengths of which three items are asked.
    assert {step.total for step in bench.steps if step.task} == {3}


def test_a_length_beyond_the_context_is_not_run_and_has_no_score(record: Record) -> None:
    assert list(record.accuracy) == ["niah_1k_single", "niah_2k_single"]
    left = {name: one.not_run for name, one in record.contexts.items() if one.not_run}
    assert left == {
        "niah_4k_single": "context 2,048 (it was trained for 4,096: --context)",
        "niah_8k_single": "context 2,048",
    }
    for name in left:
        assert record.contexts[name].peak_bytes is None
    # What is optional is no reason to doubt the rest; the other is, and there is no suite score.
    flagged = [flag.detail for flag in record.flags if flag.name == "not run"]
    assert flagged == [f"niah_4k_single needs 4,096 tokens: {left['niah_4k_single']}"]
    found = row(record)
    assert found.score is None
    assert found.unscored == f"niah_4k_single: not run: {left['niah_4k_single']}"


def test_a_task_is_asked_where_the_context_is_as_long(tasks: list[PreparedTask]) -> None:
    needs = tasks[2].loaded
    assert why_not_asked(needs, loaded(4096)) == ""
    assert why_not_asked(needs, None) == ""
    assert why_not_asked(needs, loaded(4095, trained=4095)) == "context 4,095"
    assert why_not_asked(replace(needs, context=None), loaded(16)) == ""


def answered(task: str, **given: Any) -> AnsweredWindow:
    """One answer after 0.5 s, of 3 tokens a tenth of a second apart, to a prompt of 900 tokens."""
    times = protocol.RequestTimes(prefill_s=0.45, token_s=[0.5, 0.6, 0.7])
    text = protocol.ItemText(
        text="1", stop="end of sequence", prompt_tokens=900, new_tokens=3, times=times,
        truncated=False,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "phase": "generation", "task": task, "reply": protocol.Generated(items=[text]),
        "replies": [[replace(text, **given.pop("text", {}))]], "answers": [[["1"]]],
        "peak_bytes": 7, "kept": False, "context": 1024, "alone": True,
    }  # fmt: skip
    return AnsweredWindow(**{**usual, **given})


def test_numbers_are_those_of_the_answers(tasks: list[PreparedTask]) -> None:
    job, measured = job_of(tasks, context=1024), Measured()
    measured.add(LoadedModel(model=loaded(1024), load_s=0.0))
    measured.add(answered("niah_1k_single"))
    measured.add(answered("niah_1k_single", peak_bytes=9))
    found = contexts_info(job, measured)["niah_1k_single"]
    assert found.ttft_s is not None
    assert found.prefill_tokens_per_s is not None
    assert found.decode_tokens_per_s is not None
    # 900 / 0.45; (3 - 1) / (0.7 - 0.5).
    assert found.ttft_s.p50 == 0.5
    assert found.prefill_tokens_per_s.p50 == pytest.approx(2000)
    assert found.decode_tokens_per_s.p50 == pytest.approx(10)
    assert (found.peak_bytes, found.opened, found.unknown) == (9, 1024, {})


def test_what_is_not_measured_says_why(tasks: list[PreparedTask]) -> None:
    job = job_of(tasks, context=1024)
    served = SimpleNamespace(can=frozenset({"generation"}))
    one = replace(job, throughput=True)
    measured = Measured()
    measured.add(LoadedModel(model=loaded(1024), load_s=0.0))
    measured.add(answered("niah_1k_single", text={"times": None}, context=None, alone=False))
    found = contexts_info(one, measured)["niah_1k_single"]
    assert (found.peak_bytes, found.ttft_s, found.opened) == (None, None, None)
    assert set(found.unknown) == {
        "ttft_s", "prefill_tokens_per_s", "decode_tokens_per_s", "peak_bytes",
    }  # fmt: skip
    assert set(found.unknown.values()) == {PACKED}
    elsewhere = replace(
        job, candidate=SimpleNamespace(runtime_spec=served, settings=job.candidate.settings)
    )
    assert contexts_info(elsewhere, measured)["niah_1k_single"].unknown["peak_bytes"] == ONE_CONTEXT


def test_a_run_that_goes_on_keeps_the_lengths_that_it_has(
    bench: Bench, tasks: list[PreparedTask]
) -> None:
    job = job_of(tasks, context=2048, context_bytes_per_token=BYTES)

    def interrupt(_: Job, step: Step) -> None:
        if step.task == "niah_2k_single":
            raise KeyboardInterrupt

    (first,) = run_batch([(job, None)], bench.options(), interrupt)
    assert first.record.status == "interrupted"
    (second,) = run_batch([(job, None)], bench.options(), lambda *_: None)
    assert (second.record.status, second.record.job.resumed) == ("completed", 1)
    before, after = first.record.contexts, second.record.contexts
    assert before["niah_1k_single"] == after["niah_1k_single"]
    assert "niah_2k_single" not in before
    assert after["niah_2k_single"].opened == 2048


def test_a_task_without_a_length_has_the_candidates_own_context() -> None:
    asked: list[protocol.OpenContext] = []

    def ask(question: protocol.OpenContext, _: object) -> protocol.ContextOpened:
        asked.append(question)
        return protocol.ContextOpened(tokens=question.tokens)

    worker = cast("WorkerProcess", SimpleNamespace(ask=ask))
    opened = OpenedContext(
        task="niah_1k", phase="generation", tokens=1024, before_bytes=None, alone=True
    )
    back = close_context(worker, opened, 4096)
    assert back is not None
    assert (back.tokens, back.task, asked[0].tokens, asked[0].items) == (4096, "", 4096, [])
    assert close_context(worker, back, 4096) is None
    assert close_context(worker, None, 4096) is None
    assert len(asked) == 1
