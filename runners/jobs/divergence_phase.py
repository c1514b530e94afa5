"""The last phase: a candidate's logits on the fixed text, held against a reference's."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from evals.errors import RuntimeFailure
from evals.quantities import format_size
from runners.compute.budget_use import engine_bytes
from runners.engine.divergence import scored
from runners.engine.sizing import ROW_COPIES
from runners.jobs.fixed_text import TEXT, WINDOW
from runners.jobs.measured import ReferenceLogits
from runners.jobs.worker_process import WorkerCrash
from runners.records.parts import DivergenceInfo
from runners.worker import protocol, wire

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.journal import Journal
    from runners.jobs.marks import Marks
    from runners.jobs.measured import Measured, Notify
    from runners.jobs.worker_process import WorkerProcess

KIND = "divergence"
"""Kind of the journal's event."""


def diverge(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured, marks: Marks,
    notify: Notify,
) -> None:  # fmt: skip
    """Hold the candidate against its reference, where it has one and there is memory for it.

    Whatever stands against it is said in the record: the job's own phases are measured by then.

    Raises:
        WorkerCrash: the worker died of it.
    """
    logits = measured.last(ReferenceLogits)
    if logits is None or job.reference is None:
        return
    reason = logits.reason or too_large(job, measured)
    if reason or logits.path is None:
        measured.add(_not_measured(job.reference, reason))
        return
    name = logits.path.parent.name
    for event in journal.find(KIND):
        if event["file"] == name:
            measured.add(_of_event(job.reference, event))
            return
    with marks.phase("divergence", measured, notify):
        question = protocol.Diverge(text=TEXT, window=WINDOW, reference=str(logits.path))
        try:
            answer = worker.ask(question, protocol.Diverged)
        except WorkerCrash:
            raise
        except RuntimeFailure as error:
            measured.add(_not_measured(job.reference, str(error)))
            return
    size = logits.path.stat().st_size
    event = {"kind": KIND, "file": name, "bytes": size, "answer": wire.to_wire(answer)}
    journal.append(event)
    measured.add(_of_event(job.reference, event))


def too_large(job: Job, measured: Measured) -> str:
    """Why the logits are too large for the job's memory limit; empty where they are not."""
    budget, model = job.budget, measured.model
    if budget is None or budget.memory_bytes is None or model is None:
        return ""
    needed = len(scored(WINDOW)) * model.vocabulary * 4 * ROW_COPIES
    if engine_bytes(needed, budget, job.weights.bytes) == needed:
        return ""
    return (
        f"its logits take {format_size(needed)}, for which the memory limit of "
        f"{format_size(budget.memory_bytes)} may leave no room beside twice the weights"
    )


def _not_measured(reference: Job, reason: str) -> DivergenceInfo:
    return DivergenceInfo(
        reference=reference.candidate.name,
        reference_digest=reference.candidate_digest,
        reason=reason,
    )


def _of_event(reference: Job, event: dict[str, Any]) -> DivergenceInfo:
    answer = wire.from_wire(event["answer"])
    if not isinstance(answer, protocol.Diverged):
        return _not_measured(reference, "the journal holds no answer")
    mean, error = mean_and_error(answer.kl_nats)
    return DivergenceInfo(
        reference=reference.candidate.name,
        reference_digest=reference.candidate_digest,
        kl_nats=mean,
        kl_stderr=error,
        same_top=sum(answer.same_top) / len(answer.same_top),
        positions=answer.positions,
        vocabulary=answer.vocabulary,
        logits_bytes=event["bytes"],
        seconds=answer.seconds,
    )


def mean_and_error(values: list[float]) -> tuple[float, float | None]:
    """Mean and its standard error, the positions taken as independent, as llama.cpp does."""
    if len(values) < 2:
        return statistics.fmean(values), None
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
