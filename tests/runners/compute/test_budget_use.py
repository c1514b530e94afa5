"""Every verdict by its rule, worst first, and real workers held to a budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from runners.compute.budget import Budget
from runners.compute.budget_use import (
    ad_hoc,
    engine_bytes,
    exceeds,
    lacks,
    limits,
    threads,
    with_mapping,
    without_memory,
)
from runners.compute.limits import Held
from runners.compute.machine import machine
from runners.jobs.budget_record import budget_info, recorded_budget
from runners.jobs.verdict import Facts, judge
from runners.records.circumstances import EnforcedInfo
from runners.records.record import JobError
from tests.support.groups import needs_groups, ours

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

MIB = 2**20
BUDGET = ad_hoc(memory_bytes=256 * MIB, deadline_ttft_s=2.0, min_decode_tokens_per_s=10.0)
FITS = Facts(
    budget=BUDGET,
    memory_enforced=True,
    error=None,
    phase="scoring",
    workload="",
    oom_kills=0,
    refaulted_bytes=0,
    weights_bytes=100,
    ttft_s=1.0,
    decode_tokens_per_s=20.0,
    unlimited_decode_tokens_per_s=None,
)
CRASH = JobError(phase="load", message="the worker ended with exit code 7")


def facts(**changes: Any) -> Facts:
    return replace(FITS, **changes)


THRASHES = {"refaulted_bytes": 101, "unlimited_decode_tokens_per_s": 41.0}


def test_an_app_is_judged_by_the_first_words_of_its_answers():
    app = facts(workloads=False, decode_tokens_per_s=None, weights_bytes=0, answer_s=1.0)
    verdict, reason = judge(app)
    assert verdict == "fits"
    assert reason == (
        "the tasks were completed within the budget; its tokens are not counted, so nothing is "
        "known of its decode speed"
    )
    assert judge(replace(app, ttft_s=2.5))[0] == "too slow"
    assert "4,096 bytes were read again meanwhile" in judge(replace(app, refaulted_bytes=4096))[1]
    silent = judge(replace(app, ttft_s=None))
    assert silent == ("failed", "nothing was timed: no answer came")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fits"),
        ({"ttft_s": 2.0, "decode_tokens_per_s": 10.0}, "fits"),  # a deadline that is just met
        ({"ttft_s": 2.01}, "too slow"),
        ({"decode_tokens_per_s": 9.9}, "too slow"),
        (THRASHES, "thrashes"),
        # Both conditions must hold: more than the weights read again, less than half the speed.
        ({**THRASHES, "refaulted_bytes": 100}, "fits"),
        ({**THRASHES, "unlimited_decode_tokens_per_s": 40.0}, "fits"),
        ({**THRASHES, "unlimited_decode_tokens_per_s": None}, "fits"),
        ({**THRASHES, "ttft_s": 9.0}, "thrashes"),
        ({"error": CRASH}, "failed"),
        ({"error": CRASH, "oom_kills": 1}, "out of memory"),
        ({"error": CRASH, "oom_kills": None}, "failed"),
        ({"oom_kills": 1}, "out of memory"),  # a child of a worker that went on without it
        ({"decode_tokens_per_s": None, "ttft_s": None}, "failed"),
        ({"decode_tokens_per_s": None}, "fits"),  # a server that does not count its tokens
        ({"memory_enforced": False}, "not enforced"),
        ({"memory_enforced": False, "ttft_s": 9.0}, "too slow"),
        ({"memory_enforced": False, "error": CRASH}, "failed"),
        ({"memory_enforced": False, "budget": ad_hoc(cpus=1)}, "fits"),  # no memory was asked for
    ],
)
def test_the_worst_rule_that_applies(changes: dict[str, Any], verdict: str):
    assert judge(facts(**changes))[0] == verdict


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ttft_s": 2.5}, "the first token came after 2.500 s, 0.500 s over the deadline of 2 s"),
        ({"decode_tokens_per_s": 7.5}, "decode was 7.5 tokens/s, 2.5 below the 10 asked for"),
        (THRASHES, "101 bytes were read again under 256MiB for 100 of weights, and decode was "
                   "20.0 tokens/s of 41.0 without the limit"),
        ({"error": CRASH, "oom_kills": 1, "phase": "load"},
         "killed for memory under 256MiB in the phase load"),
        ({"error": CRASH, "oom_kills": 1, "phase": "generation", "length": "niah_8k, which …"},
         "killed for memory under 256MiB in the phase generation, in niah_8k, which …"),
        ({"error": CRASH}, "in the phase load: the worker ended with exit code 7"),
        ({"refaulted_bytes": None}, "it may have thrashed"),
    ],
)  # fmt: skip
def test_the_reason_has_the_figures(changes: dict[str, Any], said: str):
    assert said in judge(facts(**changes))[1]


def test_both_deadlines_are_named():
    _, reason = judge(facts(ttft_s=3.0, decode_tokens_per_s=1.0))
    assert "first token" in reason
    assert "decode" in reason


# What a budget comes to.


@pytest.mark.parametrize(
    ("cpus", "usable", "expected"), [(None, 8, 8), (2, 8, 2), (2.5, 8, 3), (0.5, 8, 1), (16, 8, 8)]
)
def test_threads_are_the_quota_rounded_up(cpus: float | None, usable: int, expected: int):
    budget = Budget.model_validate({"name": "b", "memory": "1GiB", "cpus": cpus})
    assert threads(usable, budget) == expected
    assert threads(usable, None) == usable


@pytest.mark.parametrize(
    ("limit", "weights_mib", "expected_mib"),
    [
        ("512MiB", 0, 0),
        ("700MiB", 10, 168),  # 700 - 2 x 10 - 512
        ("700MiB", 100, 0),
        ("16GiB", 100, 256),
    ],
)
def test_the_engine_takes_what_is_left(limit: str, weights_mib: int, expected_mib: int):
    budget = Budget.model_validate({"name": "b", "memory": limit})
    assert engine_bytes(256 * MIB, budget, weights_mib * MIB) == expected_mib * MIB
    assert engine_bytes(256 * MIB, None, 2**40) == 256 * MIB
    assert engine_bytes(256 * MIB, ad_hoc(cpus=1), 2**40) == 256 * MIB


def test_a_budget_without_a_file_is_named_after_its_limits():
    budget = ad_hoc(memory_bytes=512 * MIB, cpus=2, deadline_ttft_s=0.5, min_decode_tokens_per_s=10)
    assert budget.name == "512mib-2cpus-ttft0.5s-decode10"
    assert limits(budget) == (
        "512MiB memory, 2 CPUs, TTFT at most 0.5 s, decode at least 10 tokens/s"
    )


def test_a_deadline_of_the_answer():
    budget = ad_hoc(deadline_answer_s=2.0)
    assert (budget.name, limits(budget)) == ("answer2s", "answer after at most 2 s")
    waits = replace(FITS, budget=budget, answer_s=2.5)
    assert judge(waits) == (
        "too slow",
        "the answer began after 2.500 s, 0.500 s over the deadline of 2 s",
    )
    assert judge(replace(waits, answer_s=2.0))[0] == "fits"
    unknown = judge(replace(waits, answer_s=None))
    assert unknown[0] == "fits"
    assert unknown[1].endswith("; no answer was timed, so nothing is known of its deadline")


def test_a_later_limit_changes_no_budget_that_lacks_it():
    # Records are told apart by their budget, and jobs by it in their keys.
    assert "deadline_answer_s" not in BUDGET.said()
    assert "deadline_answer_s" not in budget_info(BUDGET, None).said()
    told = budget_info(ad_hoc(deadline_answer_s=2.0), None)
    assert told.said()["deadline_answer_s"] == 2.0
    assert recorded_budget(told, "here") == ad_hoc(deadline_answer_s=2.0)


def test_warm_weights_are_not_mapped_where_the_runtime_lets_one_choose():
    mapped, no_choice = {"mmap": True, "context": 16}, {"dtype": "bfloat16"}
    assert with_mapping(mapped, allowed=True) == mapped
    assert with_mapping(mapped, allowed=False) == {"mmap": False, "context": 16}
    assert with_mapping(no_choice, allowed=False) == no_choice


def test_what_is_left_without_the_memory_limit():
    assert without_memory(ad_hoc(memory_bytes=MIB)) is None
    rest = without_memory(ad_hoc(memory_bytes=MIB, cpus=1))
    assert rest
    assert (rest.memory_bytes, rest.cpus) == (None, 1)


def test_more_than_the_machine_has_is_said():
    here = replace(machine(), usable_cpus=2)
    budget = ad_hoc(memory_bytes=2000, cpus=4)
    assert exceeds(budget, here, 1000) == (
        "memory: the budget allows 2,000 bytes of 1,000; CPUs: the budget allows 4 of 2"
    )
    assert exceeds(budget, replace(here, usable_cpus=4), 2000) == ""


def test_what_is_not_enforced_is_said():
    budget = ad_hoc(memory_bytes=2000, cpus=0.5)
    unheld = Held(memory_why="no groups", cpus="affinity")
    assert lacks(budget, unheld) == "memory: no groups; CPUs: whole cores alone, 1 for 0.5"
    enforced = EnforcedInfo(memory="not enforced", cpus="affinity")
    assert budget_info(budget, unheld).enforced == enforced
    held = Held(memory="cgroup v1", cpus="cgroup v1")
    assert lacks(budget, held) == ""
    enforced = EnforcedInfo(memory=None, cpus="cgroup v1")
    assert budget_info(ad_hoc(cpus=1), held).enforced == enforced


# Real workers inside real groups.

NEEDS = 400 * MIB


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@needs_groups
def test_what_needs_more_than_the_limit_is_out_of_memory(bench: Bench):
    budget = ad_hoc(memory_bytes=256 * MIB)
    (outcome,) = bench.outcomes(bench.fake(memory_bytes=NEEDS), budget=budget)
    record = bench.store.read(outcome.record.run_id)
    assert record.verdict
    assert (record.verdict.verdict, record.verdict.phase) == ("out of memory", "load")
    assert record.verdict.oom_kills == 1
    assert record.status == "failed"
    assert record.is_answer
    # All that was measured until then.
    assert record.memory
    assert list(record.memory.phases) == ["baseline"]
    assert record.memory.phases["baseline"].group_peak_bytes
    assert record.budget
    assert record.budget.memory_bytes == 256 * MIB
    assert record.budget.enforced.memory.startswith("cgroup v")
    assert (ours(), children()) == ([], [])
    # It is an answer: the same command does not kill it again.
    (again,) = bench.outcomes(bench.fake(memory_bytes=NEEDS), budget=budget)
    assert not again.ran


@needs_groups
def test_what_needs_less_fits(bench: Bench):
    budget = ad_hoc(memory_bytes=1024 * MIB)
    (outcome,) = bench.outcomes(bench.fake(memory_bytes=NEEDS, pick=1), budget=budget)
    record = outcome.record
    assert record.verdict
    assert (record.verdict.verdict, record.verdict.oom_kills) == ("fits", 0)
    assert record.memory
    peak = record.memory.phases["load"].group_peak_bytes
    assert peak
    assert NEEDS < peak < NEEDS + 64 * MIB
    assert record.accuracy["tiny_choice"].value == 1.0
    assert (ours(), children()) == ([], [])


@needs_groups
def test_a_spike_in_a_timed_request_counts(bench: Bench):
    # Within the limit while it loads and answers, above it for a moment in each request.
    fake = bench.fake(spike_bytes=NEEDS)
    (outcome,) = bench.outcomes(fake, budget=ad_hoc(memory_bytes=256 * MIB))
    assert outcome.record.verdict
    assert outcome.record.verdict.phase == "latency"
    assert outcome.record.verdict.verdict == "out of memory"
    said = outcome.record.verdict.reason
    assert said.endswith("under 256MiB in the phase latency, in the workload 8+4")


@needs_groups
def test_of_six_two_die_and_six_are_recorded(bench: Bench):
    fakes = [bench.fake(f"f{n}", memory_bytes=NEEDS if n in (1, 4) else MIB) for n in range(6)]
    outcomes = bench.outcomes(*fakes, budget=ad_hoc(memory_bytes=256 * MIB), tasks=("tiny_choice",))
    verdicts = [o.record.verdict.verdict for o in outcomes]
    assert verdicts == ["fits", "out of memory", "fits", "fits", "out of memory", "fits"]
    assert len(bench.store.run_ids()) == 6
    assert (ours(), children()) == ([], [])
    left = [path.name for path in bench.store.root.iterdir() if path.name.startswith(".tmp")]
    assert left == []
    assert list((bench.store.root / ".journal").iterdir()) == []


@pytest.mark.slow
def test_a_deadline_needs_no_group(bench: Bench):
    slow = bench.fake(delay_first_token_s=0.05, delay_per_token_s=0.02)
    (late,) = bench.outcomes(slow, budget=ad_hoc(deadline_ttft_s=0.02))
    assert late.record.verdict.verdict == "too slow"
    (steady,) = bench.outcomes(slow, budget=ad_hoc(min_decode_tokens_per_s=100.0))
    assert steady.record.verdict.verdict == "too slow"
    (enough,) = bench.outcomes(slow, budget=ad_hoc(deadline_ttft_s=30.0))
    assert enough.record.verdict.verdict == "fits"
    assert enough.record.status == "completed"


def test_a_crash_is_a_failure_not_the_limit_s_doing(bench: Bench):
    (outcome,) = bench.outcomes(
        bench.fake(fail_at="load", fail_how="kill"), budget=ad_hoc(memory_bytes=1024 * MIB)
    )
    record = outcome.record
    assert record.verdict.verdict == "failed"
    assert not record.is_answer


def test_a_key_hangs_on_the_budget(bench: Bench):
    def key(budget: Budget | None) -> str:
        ((job, _),) = bench.jobs(bench.fake(), budget=budget)
        return job.key

    described = ad_hoc(memory_bytes=256 * MIB).model_copy(update={"description": "words"})
    budgets = [
        None,
        ad_hoc(memory_bytes=256 * MIB),
        ad_hoc(memory_bytes=512 * MIB),
        ad_hoc(memory_bytes=256 * MIB, deadline_ttft_s=1.0),
        ad_hoc(memory_bytes=256 * MIB, cpus=1),
    ]
    assert len({key(budget) for budget in budgets}) == len(budgets)
    assert key(described) == key(budgets[1])


def test_more_than_the_machine_has_is_flagged(bench: Bench):
    budget = ad_hoc(cpus=1000, memory_bytes=2**45)
    (outcome,) = bench.outcomes(bench.fake(), tasks=("tiny_choice",), budget=budget)
    assert "budget exceeds machine" in [flag.name for flag in outcome.record.flags]


def test_where_nothing_can_be_limited_it_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    # A system without control groups, as this one looks to whom hides them.
    monkeypatch.setattr("runners.compute.groups.control_groups", lambda _controller: ())
    (outcome,) = bench.outcomes(
        bench.fake(), tasks=("tiny_choice",), budget=ad_hoc(memory_bytes=256 * MIB)
    )
    record = outcome.record
    assert record.verdict.verdict == "not enforced"
    assert record.budget.enforced.memory == "not enforced"
    assert "budget not enforced" in [flag.name for flag in record.flags]
    assert Path(record.run_id).name == record.run_id
