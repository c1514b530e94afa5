"""Find the candidate whose logits are the reference for the others of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runners.jobs.job import Job


def reference_of(job: Job, batch: Sequence[Job]) -> Job | None:
    """The candidate of a job's family that has the most bits per weight; of equal ones the first.

    Args:
        job: which is held against it; it may be the reference itself.
        batch: a job of each candidate whose weights are here, in the batch's order.

    Returns:
        None where nothing else of the family is in the batch, or nothing of it can give logits.
    """
    family = [one for one in batch if _family(one) == _family(job)]
    able = [one for one in family if _bits(one) and "logits" in one.candidate.runtime_spec.can]
    if len({one.candidate_digest for one in family}) < 2 or not able:
        return None
    return as_reference(max(able, key=_bits))


def as_reference(job: Job) -> Job:
    """The job as what others are held against: without a budget, whatever they are held to."""
    return replace(job, budget=None, reference=None)


def _family(job: Job) -> str:
    return job.candidate.family or job.candidate.name


def _bits(job: Job) -> float:
    quantisation = job.weights.quantisation
    return quantisation.bits_per_weight if quantisation else 0.0
