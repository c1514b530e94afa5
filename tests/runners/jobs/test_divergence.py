"""Divergence as a phase: fakes whose logits differ by a known noise, held against each other."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.divergence import divergence, why_no_divergence
from runners.batches.references import as_reference
from runners.compute.budget import Budget
from runners.jobs import reference_logits
from runners.jobs.divergence_phase import KIND, mean_and_error, too_large
from runners.jobs.fixed_text import TEXT, WINDOW
from runners.jobs.journal import START, Journal
from runners.jobs.measured import LoadedModel, Measured
from runners.jobs.run import run_job
from runners.records.record import Record
from runners.runtimes.fake.runtime import BUILD, VERSION
from runners.worker import protocol, wire

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from tests.runners.conftest import Bench

MIB = 2**20


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))


def held_against(bench: Bench, told: dict[str, Any], **reference: Any) -> Job:
    """A job of a fake that is told this, held against a fake that is told something else."""
    candidates = bench.fake("other", **told), bench.fake("exact", **reference)
    jobs = [job for job, _ in bench.jobs(*candidates, tasks=("tiny_choice",))]
    return replace(jobs[0], reference=as_reference(jobs[1]))


def run(bench: Bench, job: Job) -> Record:
    return run_job(job, bench.options(fresh=True), bench.steps.append)


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "logits").glob("*/*"))


def test_divergence_is_measured_last_and_by_itself(bench: Bench, tmp_path: Path):
    record = run(bench, held_against(bench, {"logit_noise": 0.5}))
    assert record.status == "completed"
    assert list(record.memory.phases) == ["baseline", "load", "latency", "scoring", "divergence"]
    found, info = divergence(record), record.divergence
    assert (found.reference, found.positions) == ("exact", 255)
    assert found.reference_digest != record.candidate.digest
    # Noise of 0.5 on each logit, half whose variance is 0.125: less what the few likely share.
    assert 0.07 < found.kl_nats < 0.125
    assert 0 < found.kl_stderr < 0.02
    assert 0.5 < found.same_top < 1
    # llama.cpp's layout: header and 512 tokens, then rows of 256 and 4 numbers of 16 bits.
    (file,) = kept(tmp_path)
    assert info.logits_bytes == file.stat().st_size == 20 + 4 * 512 + 255 * 2 * (256 + 4)
    assert why_no_divergence(record) == ""
    assert "logits of exact, the reference" in [step.phase for step in bench.steps]


@pytest.mark.slow
def test_a_reference_is_evaluated_once(bench: Bench, tmp_path: Path):
    first = run(bench, held_against(bench, {"logit_noise": 0.5}))
    (file,) = kept(tmp_path)
    before = file.stat().st_ino
    bench.steps.clear()
    again = run(bench, held_against(bench, {"logit_noise": 0.5}))
    assert kept(tmp_path) == [file]
    assert file.stat().st_ino == before
    assert not [step for step in bench.steps if step.phase.startswith("logits")]
    assert again.divergence.kl_nats == first.divergence.kl_nats
    run(bench, held_against(bench, {"logit_noise": 0.5}, pick=1))
    assert len(kept(tmp_path)) == 2


@pytest.mark.slow
def test_the_cache_is_bounded(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reference_logits, "MOST_BYTES", 300_000)  # two of 135 kB
    for pick in range(3):
        run(bench, held_against(bench, {"logit_noise": 0.5}, pick=pick))
    assert len(kept(tmp_path)) == 2


def test_what_is_its_own_reference_is_held_against_nothing(bench: Bench, tmp_path: Path):
    record = run(bench, held_against(bench, {}))
    assert record.divergence is None
    assert "divergence" not in record.memory.phases
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("told", "reference", "says"),
    [
        ({"vocabulary": 300}, {}, "another tokenizer than the reference's: 300 tokens"),
        ({"fail_at": "divergence", "fail_how": "refuse"}, {"pick": 1}, "told to refuse"),
        ({}, {"fail_at": "divergence", "fail_how": "refuse"}, "the logits of exact cannot be had"),
        ({}, {"fail_at": "load", "fail_how": "exit"}, "the logits of exact cannot be had: the wor"),
    ],
)
def test_what_stands_against_it_is_said_and_spoils_nothing(
    bench: Bench, told: dict[str, Any], reference: dict[str, Any], says: str
):
    record = run(bench, held_against(bench, told, **reference))
    assert (record.status, record.error) == ("completed", None)
    assert record.divergence.kl_nats is None
    assert says in why_no_divergence(record)
    assert divergence(record) is None


def test_a_worker_that_dies_of_it_is_a_failed_job(bench: Bench):
    record = run(bench, held_against(bench, {"fail_at": "divergence", "fail_how": "exit"}, pick=1))
    assert (record.status, record.error.phase) == ("failed", "divergence")
    assert record.accuracy["tiny_choice"].n == 12


def test_a_repeat_of_the_timed_phases_alone_has_none(bench: Bench, tmp_path: Path):
    job = replace(held_against(bench, {"logit_noise": 1.0}), scores=False)
    assert run(bench, job).divergence is None
    assert kept(tmp_path) == []


def test_a_journal_keeps_it(bench: Bench, tmp_path: Path):
    job = held_against(bench, {"logit_noise": 0.5})
    first = run(bench, job)
    journal = Journal(bench.store.root, job.key)
    journal.open(fresh=True, wait_s=0)
    (name,) = [path.parent.name for path in kept(tmp_path)]
    answer = protocol.Diverged(
        kl_nats=[0.25, 0.75], same_top=[True, False], positions=2, vocabulary=9, seconds=1.0
    )
    event = {"kind": KIND, "file": name, "bytes": 7, "answer": wire.to_wire(answer)}
    journal.append({"kind": START, "build": [VERSION, BUILD]})
    journal.append(event)
    journal.close(done=False)
    record = run_job(job, bench.options(), bench.steps.append)
    # It is as the journal has it: (0.25 + 0.75) / 2, and sqrt(0.125) / sqrt(2).
    assert record.divergence.kl_nats == 0.5 != first.divergence.kl_nats
    assert record.divergence.kl_stderr == pytest.approx(0.25)
    assert record.divergence.same_top == 0.5
    assert "divergence" not in record.memory.phases


def test_a_limit_that_leaves_no_room_is_the_reason(bench: Bench):
    job = held_against(bench, {})
    measured = Measured()
    model = protocol.Loaded(
        seconds=0, weights_bytes=0, parameters=0, context=4096, trained_context=4096, threads=1,
        vocabulary=49_152, architecture="x", chat_template=False,
    )  # fmt: skip
    measured.add(LoadedModel(model=model, load_s=0.0))
    # 255 rows x 49,152 tokens x 4 bytes, twice: 95.6 MiB, beside 512 MiB for the process.
    assert too_large(job, measured) == ""
    for mib, allowed in ((600, False), (610, True)):
        budget = Budget.model_validate({"name": "b", "memory": f"{mib}MiB"})
        assert (too_large(replace(job, budget=budget), measured) == "") is allowed
    few = Budget.model_validate({"name": "b", "memory": "64MiB"})
    said = too_large(replace(job, budget=few), measured)
    assert "the memory limit of 64MiB may leave no room" in said


def test_mean_and_error_by_hand():
    # 1, 2, 6: mean 3; deviations 4 + 1 + 9 = 14, over 2 = 7; sqrt(7 / 3) = 1.5275.
    assert mean_and_error([1.0, 2.0, 6.0]) == (3.0, pytest.approx(math.sqrt(7 / 3)))
    assert mean_and_error([2.0]) == (2.0, None)


def test_the_text_is_pinned():
    # Another text is another number under the same name: never change it.
    assert hashlib.sha256(TEXT.encode()).hexdigest()[:16] == "e33150fcce2f147d"
    assert WINDOW == 512
