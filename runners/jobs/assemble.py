"""Assemble a job's measurements into its record and its table of samples."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import WeighinError
from runners.compute.budget_use import lacks
from runners.compute.limits import Held
from runners.compute.machine import usable_memory
from runners.jobs.budget_record import budget_info
from runners.jobs.context_record import contexts_info
from runners.jobs.flags import flags
from runners.jobs.gpu_record import gpu_info
from runners.jobs.harness import TaskScore, score_task, unscored_task
from runners.jobs.measured import (
    AnsweredWindow,
    AskedTask,
    Interrupted,
    Measured,
    Metered,
    PhaseMarks,
    Probed,
    Resumed,
    Started,
    TaskAnswers,
    TimedPhase,
)
from runners.jobs.own_contexts import asked_tasks
from runners.jobs.prepared import unclustered
from runners.jobs.recommended import recommended, recommends_none
from runners.jobs.record_parts import (
    answers_info,
    energy_info,
    engine_info,
    latency_info,
    load_info,
    memory_info,
    noise_info,
)
from runners.jobs.sample_rows import sample_rows
from runners.jobs.seen import Seen
from runners.jobs.server_record import ELSEWHERE, machine_info, server_info
from runners.jobs.software_record import not_built_kernels, software_info
from runners.jobs.subject import candidate_info, suite_info
from runners.jobs.users_record import users_info
from runners.jobs.verdict import verdict_of
from runners.records.parts import DivergenceInfo, EnergyInfo
from runners.records.record import (
    DataInfo,
    JobError,
    JobInfo,
    Record,
)
from runners.records.samples import sample_table
from runners.worker import protocol
from runners.worker.generation import APP_ERROR
from runners.worker.serving import ASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow

    from runners.jobs.job import Job, Options


def assemble(
    job: Job, measured: Measured, error: JobError | None, options: Options, *, seconds: float
) -> tuple[Record, pyarrow.Table | None]:
    """Score what was answered and put everything into a record.

    Args:
        job: what was run.
        measured: what came of it.
        error: None when every phase ended.
        options: of the batch.
        seconds: wall time of the job.

    Returns:
        The record, and the samples where at least one item was answered.
    """
    scores, rows, error = _score(job, measured, error, options)
    timed = measured.last(TimedPhase)
    latencies = latency_info(job.suite, timed) if timed else {}
    answers = answers_info(measured.tasks)
    probed, gpu = measured.last(Probed), gpu_info(job, measured)
    record = Record(
        run_id=options.store.new_run_id(job.candidate.name, job.key),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command,
        status=_status(measured, error),
        error=error,
        job=_job(job, measured.last(Resumed), seconds),
        candidate=candidate_info(job, measured),
        suite=suite_info(job),
        budget=budget_info(job.budget, measured.last(Held)) if job.budget else None,
        verdict=verdict_of(job, measured, latencies, answers, error, gpu),
        data=[DataInfo(task=t.loaded.name, **asdict(t.loaded.data)) for t in job.tasks],
        machine=machine_info(job),
        software=software_info(job, measured),
        accuracy={name: score.accuracy for name, score in scores.items()},
        latency=latencies,
        answers=answers,
        contexts=contexts_info(job, measured),
        load=None if job.elsewhere else load_info(measured, timed),
        memory=None if job.elsewhere else memory_info(measured),
        gpu=gpu,
        server=server_info(job, measured, options.store),
        engine=engine_info(measured.last(protocol.EngineOpened), measured.all(AnsweredWindow)),
        noise_floor=probed.floor if probed else None,
        divergence=measured.last(DivergenceInfo),
        energy=_energy(job, measured),
        noise=noise_info(timed),
        executor=options.executor,
        users=users_info(job, measured),
    )
    record = record.model_copy(update={"flags": flags(record, _seen(job, measured, scores))})
    return record, sample_table(rows) if rows else None


def _status(
    measured: Measured, error: JobError | None
) -> Literal["completed", "failed", "interrupted"]:
    if measured.last(Interrupted):
        return "interrupted"
    return "completed" if error is None else "failed"


def _job(job: Job, resumed: Resumed | None, seconds: float) -> JobInfo:
    return JobInfo(
        key=job.key,
        batch=job.batch,
        repeat=job.repeat,
        position=job.position,
        jobs=job.jobs,
        scores=job.scores,
        throughput=job.throughput,
        unscored=job.unscored,
        resumed=resumed.times if resumed else 0,
        seconds=seconds,
    )


def _score(
    job: Job, measured: Measured, error: JobError | None, options: Options
) -> tuple[dict[str, TaskScore], list[dict[str, Any]], JobError | None]:
    scores: dict[str, TaskScore] = {}
    rows: list[dict[str, Any]] = []
    probed, tasks = measured.last(Probed), measured.tasks
    for task in asked_tasks(job, measured.model):
        name = task.loaded.name
        asked = AskedTask(name=name, items=task.asked(task.items))
        none = TaskAnswers(asked=asked, replies=(), answers=())
        answered = tasks.get(name, none)
        if job.unscored:
            score = unscored_task(task.loaded, answered.asked.items, len(answered.answers))
            scores[name] = score
            rows.extend(sample_rows(answered, score, {}, keep_prompts=options.keep_prompts))
            continue
        try:
            score = score_task(task.loaded, answered.asked.items, answered.answers)
        except WeighinError as broken:  # the other tasks and candidates go on
            error = error or JobError(phase="scoring", message=str(broken))
            score = score_task(task.loaded, answered.asked.items, [])
        scores[name] = score
        plain = probed.plain.get(name, {}) if probed else {}
        rows.extend(sample_rows(answered, score, plain, keep_prompts=options.keep_prompts))
    return scores, rows, error


def _energy(job: Job, measured: Measured) -> EnergyInfo | None:
    if job.elsewhere:
        return EnergyInfo(source=None, reason=ELSEWHERE)
    return energy_info(measured.last(Metered), measured.all(PhaseMarks))


def _seen(job: Job, measured: Measured, scores: Mapping[str, TaskScore]) -> Seen:
    model, timed, tasks = measured.model, measured.last(TimedPhase), measured.tasks
    scored = [w.reply for w in measured.all(AnsweredWindow)]
    halved = [r.halved_to for r in scored if isinstance(r, protocol.Scored) and r.halved_to]
    return Seen(
        noise=timed.noise if timed else None,
        skipped=timed.skipped if timed else (),
        halved_to=halved[-1] if halved else None,
        packs=model.packs if model else True,
        caches=model.caches if model else True,
        truncated=_counted(_truncated, tasks),
        alone=_counted(_alone, tasks),
        bounds=_counted(_bounded, tasks),
        unclustered=unclustered(job.tasks) if job.scores else {},
        generates=job.scores and any(task.generates for task in job.tasks),
        # An app makes its own prompt of a question: whether by a template is not known.
        chat_template=model.chat_template if model and not _asked_of(measured) else None,
        without_system={
            asked.name: asked.without_system
            for asked in measured.all(AskedTask)
            if asked.without_system is not None
        },
        queued=_queued(tasks),
        asked_of=_asked_of(measured),
        elsewhere=job.candidate.settings.elsewhere,
        failed=_counted(_app_failed, tasks),
        unscorable={name: score.faults for name, score in scores.items() if score.faults},
        unused=sorted({key for asked in measured.all(AskedTask) for key in asked.unused}),
        recommends=recommended(job, measured),
        recommends_none=recommends_none(job, measured),
        unheld=_unheld(job, measured),
        proof=job.proof,
        not_built=not_built_kernels(job, measured.last(Started)),
        room_bytes=usable_memory(job.machine.ram_bytes),
    )


def _counted(
    is_so: Callable[[Any], bool], tasks: Mapping[str, TaskAnswers]
) -> dict[str, tuple[int, int]]:
    """Task -> replies of which something is so, replies."""
    return {
        name: (sum(map(is_so, task.replies)), len(task.replies)) for name, task in tasks.items()
    }


def _unheld(job: Job, measured: Measured) -> str:
    """Limits of the budget that could not be enforced, with the reason."""
    held, cache = measured.last(Held), measured.page_cache
    if job.budget is None or held is None:
        return ""
    found = lacks(job.budget, held)
    if not cache.mmap and "mmap" not in job.settings:
        warm = f"the weights stayed in the page cache ({cache.state}), charged to others"
        return f"{found}; {warm}" if found else warm
    return found


def _truncated(reply: Any) -> bool:
    parts = reply if isinstance(reply, list) else [reply]
    return any(part.truncated for part in parts)


def _bounded(reply: Any) -> bool:
    return isinstance(reply, protocol.ItemScore) and reply.bounds > 0


def _asked_of(measured: Measured) -> str:
    """Function of an app that was asked; empty of anything else."""
    server = measured.model.server if measured.model else None
    return str(server.about.get(ASKED, "")) if server else ""


def _app_failed(reply: Any) -> bool:
    return isinstance(reply, list) and any(part.stop.startswith(APP_ERROR) for part in reply)


def _queued(tasks: Mapping[str, TaskAnswers]) -> list[tuple[float, int]]:
    texts = (t for task in tasks.values() for r in task.replies if isinstance(r, list) for t in r)
    return [(text.queued_s, text.ahead) for text in texts if text.queued_s is not None]


def _alone(reply: Any) -> bool:
    return isinstance(reply, protocol.ItemScore) and reply.alone > 0
