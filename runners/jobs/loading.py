"""The question that loads a job's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.compute.budget_use import with_mapping
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runners.jobs.job import Job


def load_question(
    job: Job, *, mmap: bool, inside: Callable[[Sequence[str]], list[str]] = list
) -> protocol.Load:
    """Ask for the job's weights with its settings; they are mapped only where `mmap` allows it.

    Args:
        job: whose weights.
        mmap: False: they are read.
        inside: makes of a program's command the one that starts it inside the job's limit.

    Raises:
        RuntimeFailure: the program that the runtime starts is not on this machine.
    """
    path = str(job.weights.path) if job.weights.path else None
    settings = with_mapping(job.settings, allowed=mmap)
    program = list(job.program.command) if job.program else []
    return protocol.Load(
        path=path,
        settings=settings,
        extra_buffers=not job.proof.left_out,
        program=inside(program) if program else [],
        unlimited=program,
    )
