"""Tasks that need a context of some length: who is asked them, and what each length costs.

Such a task is answered in a context of its own length, and the high-water mark begins anew when
that is open: its peak is what a deployment with so long a context takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runners.jobs.windows import Window
from runners.records.record import Phase
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evals.tasks.load import LoadedTask
    from runners.jobs.job import Job
    from runners.jobs.prepared import PreparedTask
    from runners.jobs.worker_process import WorkerProcess
    from runners.measure.memory import MemoryMark


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedContext:
    """A context of a length that a task asked for was opened, and the peak begun anew in it."""

    task: str
    phase: Phase
    tokens: int
    before_bytes: int | None
    """Peak of the phase until then; None where there is none on this machine."""
    alone: bool
    """True: the peaks that follow are of this context; False: the mark could not be reset."""


def why_not_asked(task: LoadedTask, model: protocol.Loaded | None) -> str:
    """Why a task is not asked of a model, e.g. `context 4,096`; empty where it is."""
    if model is None or task.context is None or task.context <= model.context:
        return ""
    longer = model.trained_context >= task.context
    how = f" (it was trained for {model.trained_context:,}: --context)" if longer else ""
    return f"context {model.context:,}{how}"


def asked_tasks(job: Job, model: protocol.Loaded | None) -> Iterator[PreparedTask]:
    """The tasks of a job that its candidate is asked."""
    for task in job.tasks if job.scores else ():
        if task.count and not why_not_asked(task.loaded, model):
            yield task


def opens_its_own(job: Job, task: PreparedTask) -> bool:
    """True where a task is answered in a context of its own length."""
    able = "contexts" in job.candidate.runtime_spec.can and not job.throughput
    return able and task.generates and task.loaded.context is not None


def open_context(
    task: PreparedTask, windows: Sequence[Window], phase: Phase,
    worker: WorkerProcess, mark: MemoryMark,
) -> OpenedContext:  # fmt: skip
    """Have the worker open the context for a task's windows, and begin its peak anew.

    Raises:
        RuntimeFailure: there is no memory for it, or the worker died.
        MeasureError: the worker has exited.
    """
    items = [
        item
        for window in windows
        if isinstance(window.question, protocol.Generate)
        for item in window.question.items
    ]
    question = protocol.OpenContext(tokens=task.loaded.context or 0, items=items)
    opened = worker.ask(question, protocol.ContextOpened)
    before = mark.end_phase()
    return OpenedContext(
        task=task.loaded.name,
        phase=phase,
        tokens=opened.tokens,
        before_bytes=before.peak_bytes if before else None,
        alone=mark.is_reset,
    )


def close_context(
    worker: WorkerProcess, opened: OpenedContext | None, own: int
) -> OpenedContext | None:
    """Go back to the candidate's own context after a task of another; None: it is open."""
    if opened is None or opened.tokens == own:
        return None
    worker.ask(protocol.OpenContext(tokens=own, items=[]), protocol.ContextOpened)
    return OpenedContext(task="", phase=opened.phase, tokens=own, before_bytes=None, alone=False)
