"""Generation settings that a model's own files ask for, and that nothing here takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.tasks.generation import SAMPLING, read_generation

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured


def recommended(job: Job, measured: Measured) -> dict[str, Any]:
    """The model's own generation settings that some task neither sets nor makes moot."""
    asked = measured.model.recommends if measured.model and job.scores else {}
    found: dict[str, Any] = {}
    for task in job.tasks:
        if task.generates:
            given = task.loaded.task.get_config("generation_kwargs") or {}
            greedy = read_generation(task.loaded.name, given).temperature == 0
            moot = {"temperature", *(SAMPLING if greedy else ()), *given}
            found |= {name: value for name, value in asked.items() if name not in moot}
    return found
