"""Each flag is provoked: by a record that has one thing wrong, or in a real job."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from runners.candidates.asking import Chat
from runners.jobs.flags import flags, noise_flags
from runners.jobs.seen import Seen
from runners.measure.noise import Noise
from runners.records.circumstances import BudgetInfo, EnforcedInfo
from runners.records.parts import FlagInfo
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.runtimes.llamacpp.prove import Proof

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

RECORD = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
QUIET = Noise(
    others_cpus=0.25,
    steal_share=0.02,
    psi_some_share=0.10,
    throttled_periods=0,
    swapped_in_pages=0,
    frequency_change=-0.10,
    load_per_core=1.5,
)
SEEN = Seen(noise=QUIET, truncated={"t": (0, 12)}, generates=True, chat_template=True)


def plain_record() -> Record:
    """A stored run on two cores, its weights known and its percentiles of many values."""
    record = parse_record(RECORD.read_text(), where="test")
    many = {"n": 20}
    latency = {
        name: workload.model_copy(
            update={
                "ttft_s": workload.ttft_s.model_copy(update=many),
                "itl_s": workload.itl_s.model_copy(update=many),
            }
        )
        for name, workload in record.latency.items()
    }
    record = record.model_copy(update={"latency": latency, "budget": None})
    record = part(
        record, "candidate", weights_sha256="0" * 64, weights_verified=True, weights_bytes=9,
        settings={"threads": 2, "chat_template": "auto"},
    )  # fmt: skip
    return part(record, "load", page_cache="cold")


def part(record: Record, name: str, **changes: Any) -> Record:
    return record.model_copy(update={name: getattr(record, name).model_copy(update=changes)})


def raised(record: Record, seen: Seen = SEEN) -> list[tuple[str, str, str]]:
    return [(flag.level, flag.name, flag.detail) for flag in flags(record, seen)]


def test_kernels_that_fail_are_a_warning_and_such_that_lack_a_note() -> None:
    proof = Proof(verdict="plain", problem="SIGSEGV in Q8_0", build="AVX2 AMX_INT8 REPACK")
    ((level, name, detail),) = raised(plain_record(), replace(SEEN, proof=proof))
    assert (level, name) == ("warning", "kernels left out")
    assert detail.startswith(
        "AMX, REPACK kernels: they fail in this build of llama.cpp (SIGSEGV in Q8_0); build another"
    )
    assert "CXXFLAGS='-fno-tree-dse -fno-dse' CMAKE_ARGS=" in detail
    arm = replace(proof, build="NEON REPACK")
    ((_, _, detail),) = raised(plain_record(), replace(SEEN, proof=arm))
    assert "CXXFLAGS" not in detail
    ((level, name, detail),) = raised(plain_record(), replace(SEEN, not_built="AMX"))
    assert (level, name) == ("note", "kernels left out")
    assert detail.startswith("AMX kernels: this processor could use them")


def test_libraries_that_were_compiled_elsewhere_are_a_note() -> None:
    software = {"runtime_version": "0.3.36+prebuilt.llama.cpp.0.5.0"}
    ((level, name, detail),) = raised(part(plain_record(), "software", **software))
    assert (level, name) == ("note", "prebuilt runtime")
    assert detail.startswith("llama.cpp was compiled elsewhere")


def test_a_plain_run_at_every_limit_has_no_flag() -> None:
    assert raised(plain_record()) == []


@pytest.mark.parametrize(
    ("disturbed", "name", "detail"),
    [
        (
            replace(QUIET, others_cpus=0.8),
            "contended",
            "other processes used 0.80 cores on average (limit 0.25)",
        ),
        (
            replace(QUIET, steal_share=0.031),
            "contended",
            "the hypervisor kept 3.1% of the CPU time (limit 2%)",
        ),
        (
            replace(QUIET, psi_some_share=0.4),
            "contended",
            "tasks waited for a core 40% of the time (limit 10%)",
        ),
        (
            replace(QUIET, load_per_core=3.25),
            "contended",
            "the load of the minute before was 3.2 a core (limit 1.5)",
        ),
        (
            replace(QUIET, throttled_periods=3),
            "throttled",
            "stopped at the CPU quota in 3 periods",
        ),
        (
            replace(QUIET, swapped_in_pages=12),
            "swap-in",
            "12 pages were read back from swap",
        ),
        (
            replace(QUIET, frequency_change=-0.25),
            "frequency",
            "the clock changed by -25% (limit 10%)",
        ),
    ],
)
def test_each_disturbance(disturbed: Noise, name: str, detail: str) -> None:
    assert raised(plain_record(), replace(SEEN, noise=disturbed)) == [("warning", name, detail)]


def test_reasons_of_contention_share_one_flag() -> None:
    (flag,) = noise_flags(replace(QUIET, others_cpus=0.5, steal_share=0.1))
    assert flag.detail.count(";") == 1


def test_what_was_not_read_flags_nothing() -> None:
    blind = Noise(
        others_cpus=None, steal_share=None, psi_some_share=None, throttled_periods=None,
        swapped_in_pages=None, frequency_change=None,
    )  # fmt: skip
    assert noise_flags(blind) == []
    assert raised(plain_record(), replace(SEEN, noise=None)) == []


def test_threads_above_the_cores_or_the_budgets() -> None:
    record = part(plain_record(), "candidate", settings={"threads": 3})
    ((level, name, detail),) = raised(record)
    assert (level, name) == ("warning", "threads above quota")
    assert detail == "3 threads on 2 usable cores (affinity, CPU quota and budget)"
    # Half a core still needs a thread: 1.5 CPUs are served by 2, one CPU by 1.
    two = plain_record()
    assert raised(budgeted(two, cpus=1.5)) == []
    assert [name for _, name, _ in raised(budgeted(two, cpus=1.0))] == ["threads above quota"]


def budgeted(record: Record, *, by: str = "cgroup v1", **asked: Any) -> Record:
    budget = BudgetInfo(**asked, enforced=EnforcedInfo(memory=by, cpus=by))
    return record.model_copy(update={"budget": budget})


def test_a_budget_that_nothing_enforces() -> None:
    record = plain_record()
    free = budgeted(record, by="not enforced", memory_bytes=2**20, cpus=2)
    ((level, name, detail),) = raised(free)
    assert (level, name) == ("warning", "budget not enforced")
    assert detail == "nothing held the worker to memory of 1,048,576 bytes and 2 CPUs"
    assert raised(budgeted(record, memory_bytes=2**20, cpus=2)) == []
    assert raised(budgeted(record, by="not enforced", deadline_ttft_s=1.0)) == []


def test_a_budget_larger_than_the_machine() -> None:
    record = plain_record()
    ram, cores = record.machine.ram_bytes, record.machine.usable_cpus
    assert raised(budgeted(record, memory_bytes=ram, cpus=cores)) == []
    ((_, name, memory),) = raised(budgeted(record, memory_bytes=ram + 1))
    ((_, again, cpus),) = raised(budgeted(record, cpus=2.5))
    assert name == again == "budget exceeds machine"
    assert memory == f"{ram + 1:,} bytes on a machine of {ram:,}"
    assert cpus == "2.5 CPUs on 2 usable cores"


def test_choices_that_are_one_token_with_their_context() -> None:
    seen = replace(SEEN, alone={"a": (1, 12), "b": (0, 5)})
    detail = "a: 1 of 12 items have a choice that is one token with the end of its context"
    assert raised(plain_record(), seen) == [("warning", "choice encoded alone", detail)]


def test_prompts_that_were_cut() -> None:
    seen = replace(SEEN, truncated={"a": (2, 12), "b": (0, 5)})
    assert raised(plain_record(), seen) == [
        ("warning", "prompt truncated", "a: 2 of 12 items were longer than the context")
    ]


def test_a_task_whose_score_cannot_be_used_is_named() -> None:
    why = "1 of 12 items have no usable acc: documents 3 (NaN)"
    plain = plain_record()
    name, task = next(iter(plain.accuracy.items()))
    broken = task.model_copy(update={"value": None, "unusable": why})
    record = plain.model_copy(update={"accuracy": {**plain.accuracy, name: broken}})
    assert raised(record, SEEN) == [("warning", "no usable score", f"{name}: {why}")]


def test_items_that_share_passages_nobody_named() -> None:
    said = {"race": "40 of 45 items share 12 passages"}
    found = raised(plain_record(), replace(SEEN, unclustered=said))
    assert found == [("note", "items share passages", "race: 40 of 45 items share 12 passages")]


def test_workloads_that_do_not_fit() -> None:
    (flag,) = raised(plain_record(), replace(SEEN, skipped=["512+64"]))
    assert flag == (
        "warning", "workload skipped", "512+64 tokens do not fit the candidate's context",
    )  # fmt: skip


def test_a_device_whose_memory_ran_out() -> None:
    (flag,) = raised(plain_record(), replace(SEEN, halved_to=256))
    assert flag == (
        "warning", "batches halved", "the device's memory ran out: at most 256 tokens since then",
    )  # fmt: skip


def test_a_model_that_is_evaluated_plainly() -> None:
    (flag,) = raised(plain_record(), replace(SEEN, caches=False))
    assert flag[:2] == ("warning", "no cache")  # its times are not what the model could do
    (flag,) = raised(plain_record(), replace(SEEN, packs=False))
    assert flag[:2] == ("note", "every sequence anew")  # nothing that is shown beside is wrong


@pytest.mark.parametrize(
    ("template", "setting", "name"),
    [
        (True, "auto", None),
        (True, "off", "chat template overridden"),
        (False, "auto", "chat template missing"),
        (False, "off", None),  # none was there to be used, and none was wanted
        (None, "auto", None),  # the weights were never loaded
    ],
)
def test_chat_templates(template: bool | None, setting: str, name: str | None) -> None:
    record = part(plain_record(), "candidate", settings={"threads": 2, "chat_template": setting})
    found = [n for _, n, _ in raised(record, replace(SEEN, chat_template=template))]
    assert found == ([name] if name else [])
    # Likelihood tasks never use a template.
    assert raised(record, replace(SEEN, chat_template=template, generates=False)) == []


def test_the_notes() -> None:
    record = part(plain_record(), "load", page_cache="unknown")
    assert [f[:2] for f in raised(record)] == [("note", "cache state unknown")]
    assert raised(part(record, "candidate", weights_bytes=None)) == []
    record = part(plain_record(), "candidate", weights_verified=False)
    assert [f[:2] for f in raised(record)] == [("note", "weights not verified")]
    assert raised(part(record, "candidate", weights_sha256=None)) == []


# Provoked in real jobs.


def named(found: list[FlagInfo], name: str) -> list[str]:
    return [flag.detail for flag in found if flag.name == name]


def test_a_job_with_too_many_threads_is_flagged(bench: Bench) -> None:
    candidate = bench.fake()
    settings = candidate.settings.model_copy(update={"threads": 1024})
    many = candidate.model_copy(update={"settings": settings})
    (outcome,) = bench.outcomes(many, tasks=("tiny_choice",))
    assert named(outcome.record.flags, "threads above quota")[0].startswith("1024 threads on ")


@pytest.mark.parametrize(
    ("template", "setting", "name"),
    [(True, "off", "chat template overridden"), (False, "auto", "chat template missing")],
)
def test_a_job_without_the_models_own_template(
    bench: Bench, template: bool, setting: str, name: str
) -> None:
    candidate = bench.fake(chat_template=template).model_copy(
        update={"chat": Chat(template=setting)}
    )
    (outcome,) = bench.outcomes(candidate, tasks=("tiny_answer",))
    assert len(named(outcome.record.flags, name)) == 1
    (outcome,) = bench.outcomes(candidate, tasks=("tiny_choice",))
    assert named(outcome.record.flags, name) == []


def test_ttft_waits_for_text_and_a_job_without_any_is_flagged(bench: Bench) -> None:
    (workload,) = bench.run(empty_tokens=2, delay_per_token_s=0.001).latency.values()
    waited = [request.token_s[2] for request in workload.repeats]
    assert [request.first_text for request in workload.repeats] == [2, 2]
    assert (workload.ttft_s.minimum, workload.ttft_s.maximum) == (min(waited), max(waited))
    assert workload.itl_s.n == 2  # of 4 tokens two have text: one gap in each of two requests
    record = bench.run(empty_tokens=4)
    assert named(record.flags, "no text") == [
        "8+4: 2 of 2 requests gave no text before their last token; TTFT is the first token's there"
    ]
    (workload,) = record.latency.values()
    assert workload.repeats[0].first_text is None
    assert workload.ttft_s.maximum == max(request.token_s[0] for request in workload.repeats)


SPIN = "import time\nwhile time.process_time() < 20: pass"
ORPHAN = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {SPIN!r}], stdout=subprocess.DEVNULL).pid)
"""


@contextmanager
def somebody_at_work() -> Iterator[None]:
    """A process that keeps a core at work and is no child of ours: the one that made it is gone."""
    made = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, check=True)
    process = psutil.Process(int(made.stdout))
    try:
        yield
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_job_beside_other_work_is_flagged(bench: Bench) -> None:
    with somebody_at_work():
        record = bench.run(delay_per_token_s=0.1)
    assert "other processes used" in named(record.flags, "contended")[0]


def test_settings_of_the_models_own_that_nothing_takes_over():
    told = {"repetition_penalty": 1.1, "top_k": 20}
    assert raised(plain_record(), replace(SEEN, recommends=told)) == [
        (
            "warning",
            "generation settings not taken over",
            "the model's files ask for repetition_penalty 1.1, top_k 20; answers are chosen as the "
            "tasks say",
        )
    ]


def test_a_system_message_that_is_not_shown():
    seen = replace(SEEN, without_system={"t": (0, 4), "u": (3, 4)})
    assert raised(plain_record(), seen) == [
        (
            "warning",
            "system message left out",
            "u: the chat template shows none in 3 of 4 prompts",
        )
    ]
