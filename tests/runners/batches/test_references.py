"""Whose logits the others of a batch are held against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from runners.batches.batch import Batch, plan_jobs
from runners.batches.references import reference_of
from runners.candidates.gguf_header import Quantisation
from runners.candidates.weights import no_weights
from runners.compute.budget import Budget

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.candidates.weights import Weights
    from runners.jobs.job import Job
    from tests.runners.conftest import Bench

TASKS = ("tiny_choice",)
BITS = {"q4": 4.5, "f16": 16.0, "q8": 8.5, "other": 32.0}


def weights(name: str) -> Weights:
    bits = Quantisation(name=name, bits_per_weight=BITS[name], share={})
    return replace(no_weights(), sha256=name * 8, quantisation=bits)


def of_family(bench: Bench, name: str, family: str = "m") -> Candidate:
    return bench.fake(name).model_copy(update={"family": family})


def planned(bench: Bench, *candidates: Candidate, **given: object) -> list[Job]:
    """Jobs of fakes whose weights have as many bits as their name says."""
    one = bench.jobs(bench.fake(), tasks=TASKS)[0][0]
    batch = Batch(candidates=candidates, suite=one.suite, **given)
    jobs = plan_jobs(batch, one.tasks, lambda candidate: weights(candidate.name))
    return [job for job, _ in jobs]


def references(jobs: list[Job]) -> dict[str, str | None]:
    return {
        job.candidate.name: job.reference.candidate.name if job.reference else None for job in jobs
    }


def test_the_most_bits_of_the_family_are_the_reference(bench: Bench):
    family = [of_family(bench, name) for name in ("q4", "f16", "q8")]
    jobs = planned(bench, *family, of_family(bench, "other", "n"))
    assert references(jobs) == {"q4": "f16", "f16": "f16", "q8": "f16", "other": None}


def test_of_equal_bits_the_first_is_the_reference(bench: Bench):
    twins = [of_family(bench, "q8"), of_family(bench, "q4")]
    jobs = [replace(job, weights=weights("q8")) for job in planned(bench, *twins)]
    told = replace(jobs[1], candidate=bench.fake("q4", pick=1).model_copy(update={"family": "m"}))
    assert reference_of(told, [jobs[0], told]).candidate.name == "q8"
    # The very same twice: nothing to compare.
    assert reference_of(jobs[1], jobs) is None


def test_a_reference_that_is_named_is_everybodys(bench: Bench):
    named = of_family(bench, "q8", "elsewhere")
    jobs = planned(bench, of_family(bench, "q4"), of_family(bench, "f16"), reference=named)
    assert references(jobs) == {"q4": "q8", "f16": "q8"}


def test_a_named_reference_that_cannot_be_had_is_replaced_by_none(bench: Bench):
    one = bench.jobs(bench.fake(), tasks=TASKS)[0][0]
    batch = Batch(
        candidates=(of_family(bench, "q4"), of_family(bench, "f16")),
        suite=one.suite,
        reference=bench.fake("gone"),
    )

    def resolve(candidate: Candidate) -> Weights | ArtifactError:
        return ArtifactError("gone") if candidate.name == "gone" else weights(candidate.name)

    jobs = [job for job, _ in plan_jobs(batch, one.tasks, resolve)]
    assert references(jobs) == {"q4": None, "f16": None}


def test_a_reference_is_held_to_no_budget_and_changes_no_key(bench: Bench):
    budget = Budget.model_validate({"name": "b", "memory": "2GiB"})
    family = [of_family(bench, name) for name in ("q4", "f16")]
    alone = planned(bench, family[0], budget=budget)[0]
    q4, _ = planned(bench, *family, budget=budget)
    assert (q4.budget, q4.reference.budget, q4.reference.reference) == (budget, None, None)
    assert alone.reference is None
    assert alone.key == q4.key
