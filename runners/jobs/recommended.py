"""Generation settings that a model's own files ask for: taken over, or told where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.tasks.generation import HONOURED, SAMPLING, read_generation

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured


def chosen_sampling(job: Job, measured: Measured) -> dict[str, Any]:
    """Generation arguments that the candidate brings instead of a task's; empty: none of them.

    Recommended settings stand in for all of a task's sampling, whose temperature is 0 as a rule.
    """
    none = dict.fromkeys(("do_sample", *SAMPLING, "repetition_penalty"))
    match job.candidate.sampling:
        case "greedy":
            return {**none, "do_sample": False}
        case "recommended" if taken := _honoured(_asked(job, measured)):
            random = any(name in SAMPLING for name in taken)  # a penalty alone draws nothing
            return {**none, "do_sample": random, **taken}
    return {}


def recommended(job: Job, measured: Measured) -> dict[str, Any]:
    """The model's own generation settings that some task neither sets nor makes moot, and that
    nothing here takes over.
    """
    asked = _asked(job, measured)
    if job.candidate.sampling == "greedy":
        return {}
    if job.candidate.sampling == "recommended":
        return {name: value for name, value in asked.items() if name not in _honoured(asked)}
    found: dict[str, Any] = {}
    for task in job.tasks:
        if task.generates:
            given = task.loaded.task.get_config("generation_kwargs") or {}
            greedy = read_generation(task.loaded.name, given).temperature == 0
            moot = {"temperature", *(SAMPLING if greedy else ()), *given}
            found |= {name: value for name, value in asked.items() if name not in moot}
    return found


def recommends_none(job: Job, measured: Measured) -> bool:
    """True where recommended settings were wanted and the model's files have none."""
    wanted = job.candidate.sampling == "recommended" and job.scores
    return wanted and measured.model is not None and not _honoured(_asked(job, measured))


def _asked(job: Job, measured: Measured) -> dict[str, Any]:
    return measured.model.recommends if measured.model and job.scores else {}


def _honoured(asked: dict[str, Any]) -> dict[str, Any]:
    """The settings that are taken over where they are wanted."""
    return {name: value for name, value in asked.items() if name in HONOURED}
