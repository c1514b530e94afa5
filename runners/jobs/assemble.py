"""What a job measured -> its record and its table of samples."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError
from runners.compute.budget_use import budget_info, lacks
from runners.compute.machine import usable_memory
from runners.jobs.flags import Seen, flags
from runners.jobs.harness import TaskScore, score_task
from runners.jobs.prepared import unclustered
from runners.jobs.recommended import recommended
from runners.jobs.sample_rows import sample_rows
from runners.jobs.subject import candidate_info, suite_info
from runners.jobs.verdict import verdict_of
from runners.records import latency
from runners.records.parts import EnergyInfo, EngineInfo
from runners.records.record import (
    DataInfo,
    JobError,
    JobInfo,
    LoadInfo,
    MemoryInfo,
    MemoryPhase,
    Record,
    RequestTimesInfo,
    SummaryInfo,
    WorkloadLatency,
)
from runners.records.samples import sample_table
from runners.runtimes.build import build_digest
from runners.runtimes.llamacpp.proven import kernels_not_built
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow

    from evals.suites import Workload
    from runners.jobs.job import Job, Options
    from runners.jobs.measured import Measured


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
    timed = _latency(job, measured)
    status = "completed" if error is None else "failed"
    if measured.interrupted:
        status = "interrupted"
    record = Record(
        run_id=options.store.new_run_id(job.candidate.name, job.key),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command,
        status=status,  # type: ignore[arg-type]
        error=error,
        job=JobInfo(
            key=job.key,
            batch=job.batch,
            repeat=job.repeat,
            position=job.position,
            jobs=job.jobs,
            scores=job.scores,
            throughput=job.throughput,
            resumed=measured.resumed,
            seconds=seconds,
        ),
        candidate=candidate_info(job, measured),
        suite=suite_info(job),
        budget=budget_info(job.budget, measured.held) if job.budget else None,
        verdict=verdict_of(job, measured, timed, error),
        data=[DataInfo(task=t.loaded.name, **asdict(t.loaded.data)) for t in job.tasks],
        machine={**asdict(job.machine), "fingerprint": job.machine.fingerprint},
        software=_software(job, measured),
        accuracy={name: score.accuracy for name, score in scores.items()},
        latency=timed,
        load=_load(measured),
        memory=_memory(measured),
        engine=_engine(measured),
        noise_floor=measured.noise_floor,
        energy=_energy(measured),
        noise={**asdict(measured.noise), **measured.readings} if measured.noise else None,
    )
    record = record.model_copy(update={"flags": flags(record, _seen(job, measured))})
    return record, sample_table(rows) if rows else None


def _score(
    job: Job, measured: Measured, error: JobError | None, options: Options
) -> tuple[dict[str, TaskScore], list[dict[str, Any]], JobError | None]:
    scores: dict[str, TaskScore] = {}
    rows: list[dict[str, Any]] = []
    for task in job.tasks if job.scores else ():
        name = task.loaded.name
        items = measured.items.get(name, task.items)
        try:
            score = score_task(task.loaded, items, measured.answered.get(name, []))
        except SpecError as broken:
            error = error or JobError(phase="scoring", message=str(broken))
            score = score_task(task.loaded, items, [])
        scores[name] = score
        rows.extend(
            sample_rows(
                name, items, measured.replies.get(name, []), score,
                keep_prompts=options.keep_prompts,
            )
        )  # fmt: skip
    return scores, rows, error


def _software(job: Job, measured: Measured) -> dict[str, Any]:
    ready = measured.ready
    left_out = job.proof.left_out or _not_built(job, measured)
    return {
        "weighin": version("weighin"),
        "lm_eval": version("lm_eval"),
        "python": platform.python_version(),
        "runtime": ready.runtime if ready else None,
        "runtime_version": ready.runtime_version if ready else None,
        "runtime_build": ready.runtime_build if ready else None,
        "runtime_digest": build_digest(job.candidate.runtime),
        **({"left_out": left_out} if left_out else {}),
    }


def _not_built(job: Job, measured: Measured) -> str:
    """Kernels that a build of llama.cpp lacks and this processor could use."""
    ready = measured.ready
    if ready is None:
        return ""
    return kernels_not_built(ready.runtime, ready.runtime_build, job.machine.cpu_features)


def _requests(times: Sequence[protocol.RequestTimes]) -> list[RequestTimesInfo]:
    return [RequestTimesInfo(**asdict(one)) for one in times]


def _latency(job: Job, measured: Measured) -> dict[str, WorkloadLatency]:
    return {
        workload.name: _workload(workload, measured.latency[workload.name])
        for workload in job.suite.workloads
        if workload.name in measured.latency
    }


def _workload(workload: Workload, times: protocol.LatencyTimes) -> WorkloadLatency:
    derived = [latency.request_latency(one.token_s, one.first_text) for one in times.repeats]
    prefill = [
        latency.prefill_tokens_per_s(times.evaluated_tokens, one.prefill_s) for one in times.repeats
    ]
    return WorkloadLatency(
        prompt_tokens=workload.prompt_tokens,
        new_tokens=workload.new_tokens,
        evaluated_tokens=times.evaluated_tokens,
        warmups=_requests(times.warmups),
        repeats=_requests(times.repeats),
        ttft_s=_summary([one.ttft_s for one in derived]),
        tpot_s=_summary([one.tpot_s for one in derived]),
        itl_s=_summary([gap for one in derived for gap in one.itl_s]),
        prefill_tokens_per_s=_summary(prefill),
        decode_tokens_per_s=_summary([one.decode_tokens_per_s for one in derived]),
    )


def _summary(values: Sequence[float | None]) -> SummaryInfo:
    # A workload has at least two new tokens, so that TPOT and decode speed are always there.
    known = [value for value in values if value is not None]
    return SummaryInfo(**asdict(latency.summary(known)))


def _load(measured: Measured) -> LoadInfo | None:
    if measured.loaded is None:
        return None
    first = measured.first_token_s
    whole = None if first is None else measured.ready_s + measured.load_s + first
    return LoadInfo(
        ready_s=measured.ready_s,
        load_s=measured.load_s,
        first_token_s=first,
        cold_start_s=whole,
        page_cache=measured.page_cache,
    )


def _memory(measured: Measured) -> MemoryInfo | None:
    if not measured.memory:
        return None
    group = measured.group
    headline = measured.memory.get("latency") or list(measured.memory.values())[-1]
    return MemoryInfo(
        source=headline.source,
        phases={
            name: MemoryPhase(
                peak_bytes=phase.peak_bytes,
                anon_bytes=phase.anon_bytes,
                file_bytes=phase.file_bytes,
                split_unknown=phase.split_unknown,
                group_peak_bytes=group[name].peak_bytes if name in group else None,
                refaulted_bytes=group[name].refaulted_bytes if name in group else None,
            )
            for name, phase in measured.memory.items()
        },
        series=measured.series,
    )


def _engine(measured: Measured) -> EngineInfo | None:
    opened = measured.engine
    if opened is None:
        return None
    return EngineInfo(
        path=opened.path,
        cells=opened.cells,
        sequences=opened.sequences,
        kv_bytes=opened.kv_bytes,
        output_bytes=opened.output_bytes,
        raw_tokens=measured.raw_tokens,
        distinct_tokens=measured.distinct_tokens,
        scoring_s=measured.scoring_s,
    )


def _energy(measured: Measured) -> EnergyInfo | None:
    meter = measured.energy
    if meter is None:
        return None
    return EnergyInfo(
        source=meter.source,
        joules={str(p): j for p, j in measured.joules.items()},
        reason=meter.reason,
    )


def _seen(job: Job, measured: Measured) -> Seen:
    return Seen(
        noise=measured.noise,
        skipped=measured.skipped,
        halved_to=measured.halved_to,
        packs=measured.loaded.packs if measured.loaded else True,
        caches=measured.loaded.caches if measured.loaded else True,
        truncated={
            task: (sum(map(_truncated, replies)), len(replies))
            for task, replies in measured.replies.items()
        },
        alone={
            task: (sum(map(_alone, replies)), len(replies))
            for task, replies in measured.replies.items()
        },
        unclustered=unclustered(job.tasks) if job.scores else {},
        generates=job.scores and any(task.generates for task in job.tasks),
        chat_template=measured.loaded.chat_template if measured.loaded else None,
        without_system=measured.without_system,
        recommends=recommended(job, measured),
        unheld=_unheld(job, measured),
        proof=job.proof,
        not_built=_not_built(job, measured),
        room_bytes=usable_memory(job.machine.ram_bytes),
    )


def _unheld(job: Job, measured: Measured) -> str:
    """What of its budget nothing held the worker to, and why."""
    if job.budget is None or measured.held is None:
        return ""
    found = lacks(job.budget, measured.held)
    if not measured.mmap and "mmap" not in job.settings:
        warm = f"the weights stayed in the page cache ({measured.page_cache}), charged to others"
        return f"{found}; {warm}" if found else warm
    return found


def _truncated(reply: Any) -> bool:
    parts = reply if isinstance(reply, list) else [reply]
    return any(part.truncated for part in parts)


def _alone(reply: Any) -> bool:
    return isinstance(reply, protocol.ItemScore) and reply.alone > 0
