"""Does a candidate work inside its budget? One word, and the reason.

The verdict is about the candidate as it would be deployed: one user, its own context. So the
latency phase decides; the tasks must then be answered inside the same limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evals.quantities import format_size
from runners.compute.limits import Held
from runners.jobs.measured import AskedTask, Interrupted, Killed, Timing, Unlimited
from runners.records.circumstances import VerdictInfo
from runners.records.gpu import GpuInfo, device_own, device_peak
from runners.records.latency import fixed, headline, median_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.compute.budget import Budget
    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.measure.group_usage import GroupUsage
    from runners.records.answers import AnswersInfo
    from runners.records.record import JobError
    from runners.records.timed import WorkloadLatency

Name = Literal[
    "failed", "out of memory", "over vram", "thrashes", "too slow", "not enforced", "fits"
]
THRASHING_SHARE = 0.5
"""Share of the unlimited decode speed below which a run is said to thrash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts behind a verdict; None: not measured."""

    budget: Budget
    memory_enforced: bool
    error: JobError | None
    phase: str
    """The last one that was begun."""
    workload: str
    """Workload of the latency phase that was begun last; else empty."""
    oom_kills: int | None
    refaulted_bytes: int | None
    weights_bytes: int | None
    ttft_s: float | None
    """The slowest workload's median, of those of a fixed length."""
    decode_tokens_per_s: float | None
    unlimited_decode_tokens_per_s: float | None
    answer_s: float | None = None
    """The slowest generation task's median wait for an answer."""
    length: str = ""
    """Task, in a context of its own length, that was asked last; else empty."""
    workloads: bool = True
    """False: the runtime cannot be timed on fixed workloads; the first words of answers stand in
    for a first token."""
    gpu: GpuInfo | None = None
    """Memory of devices; None: the candidate had nothing there, or `gpu_untold` says why that is
    not known."""
    gpu_untold: str = ""
    """Why None says nothing of devices; empty where it means that nothing was there."""


def judge(facts: Facts) -> tuple[Name, str]:
    """The verdict and its reason, by the first rule that applies, worst first."""
    budget, error = facts.budget, facts.error
    limit = format_size(budget.memory_bytes) if budget.memory_bytes else "any memory"
    if facts.oom_kills:
        where = "" if error is None else f" in the phase {facts.phase}"
        where += f", in the workload {facts.workload}" if error and facts.workload else ""
        where += f", in {facts.length}" if error and facts.length else ""
        note = ""
        if facts.phase in ("scoring", "generation"):
            note = "; one request at a time, in the latency phase, stayed within it"
        return "out of memory", f"killed for memory under {limit}{where}{note}"
    if error is not None:
        return "failed", f"in the phase {error.phase}: {error.message}"
    if facts.decode_tokens_per_s is None and facts.ttft_s is None:
        why = "no workload fits the candidate's context" if facts.workloads else "no answer came"
        return "failed", f"nothing was timed: {why}"
    if over := _over_vram(facts):
        return "over vram", over
    if _thrashes(facts):
        return "thrashes", (
            f"{facts.refaulted_bytes:,} bytes were read again under {limit} for "
            f"{facts.weights_bytes:,} of weights, and decode was "
            f"{facts.decode_tokens_per_s:.1f} tokens/s of "
            f"{facts.unlimited_decode_tokens_per_s:.1f} without the limit"
        )
    late = _too_slow(facts)
    if late:
        return "too slow", late
    if budget.memory_bytes is not None and not facts.memory_enforced:
        return "not enforced", "memory could not be limited here, so nothing is known of it"
    if why := _vram_unknown(facts):
        return "not enforced", f"GPU memory could not be measured: {why}"
    done = "the latency phase and the tasks were" if facts.workloads else "the tasks were"
    return "fits", f"{done} completed within the budget{_doubts(facts)}"


def _doubts(facts: Facts) -> str:
    """What is not known of a candidate that fits, as further clauses."""
    budget = facts.budget
    known = facts.refaulted_bytes is not None or budget.memory_bytes is None
    doubt = "" if known else "; pages read again are not counted here: it may have thrashed"
    if facts.refaulted_bytes and not facts.workloads:  # of weights whose size is not known
        doubt = f"; {facts.refaulted_bytes:,} bytes were read again meanwhile: it may have thrashed"
    if budget.deadline_answer_s is not None and facts.answer_s is None:
        doubt += "; no answer was timed, so nothing is known of its deadline"
    if budget.min_decode_tokens_per_s is not None and facts.decode_tokens_per_s is None:
        doubt += "; its tokens are not counted, so nothing is known of its decode speed"
    if budget.vram_bytes and facts.gpu and device_peak(facts.gpu) is None:
        doubt += "; GPU memory is the runtime's own account, which lacks the driver's part"
    return doubt


def _vram_unknown(facts: Facts) -> str:
    """Why a limit of device memory cannot be judged; empty where it can, or there is none."""
    if not facts.budget.vram_bytes:
        return ""
    if facts.gpu is None:
        return facts.gpu_untold
    return facts.gpu.reason if _vram_used(facts.gpu) is None else ""


def _vram_used(gpu: GpuInfo) -> int | None:
    """Measured device memory, else by the runtime's own account, which is a lower bound."""
    peak = device_peak(gpu)
    return device_own(gpu) if peak is None and not gpu.unified else peak


def _over_vram(facts: Facts) -> str:
    """How much device memory was too much; empty where it was within the limit, or is not known."""
    limit = facts.budget.vram_bytes
    used = _vram_used(facts.gpu) if facts.gpu else None
    if limit is None or used is None or used <= limit:
        return ""
    by = facts.gpu.source if facts.gpu and facts.gpu.source else "by the runtime's own account"
    return (
        f"{used:,} bytes of GPU memory were used ({by}), {used - limit:,} more than the "
        f"{format_size(limit)} of the budget"
    )


def _thrashes(facts: Facts) -> bool:
    decode, free = facts.decode_tokens_per_s, facts.unlimited_decode_tokens_per_s
    if facts.refaulted_bytes is None or not facts.weights_bytes or decode is None or free is None:
        return False
    return facts.refaulted_bytes > facts.weights_bytes and decode < THRASHING_SHARE * free


def _too_slow(facts: Facts) -> str:
    budget, late = facts.budget, []
    ttft, decode = facts.ttft_s, facts.decode_tokens_per_s
    if budget.deadline_ttft_s is not None and ttft is not None and ttft > budget.deadline_ttft_s:
        over = ttft - budget.deadline_ttft_s
        late.append(
            f"the first token came after {ttft:.3f} s, {over:.3f} s over the deadline of "
            f"{budget.deadline_ttft_s:g} s"
        )
    wait, latest = facts.answer_s, budget.deadline_answer_s
    if latest is not None and wait is not None and wait > latest:
        late.append(
            f"the answer began after {wait:.3f} s, {wait - latest:.3f} s over the deadline of "
            f"{latest:g} s"
        )
    least = budget.min_decode_tokens_per_s
    if least is not None and decode is not None and decode < least:
        late.append(
            f"decode was {decode:.1f} tokens/s, {least - decode:.1f} below the {least:g} asked for"
        )
    return "; ".join(late)


def may_thrash(usage: GroupUsage | None, weights_bytes: int | None) -> bool:
    """True where only a run without the limit can say if this one thrashed."""
    if usage is None or usage.refaulted_bytes is None or not weights_bytes:
        return False
    return usage.refaulted_bytes > weights_bytes


def verdict_of(
    job: Job,
    measured: Measured,
    timed: Mapping[str, WorkloadLatency],
    answers: Mapping[str, AnswersInfo],
    error: JobError | None,
    gpu: GpuInfo | None = None,
) -> VerdictInfo | None:
    """The record's `verdict`; None without a budget, for a run that was interrupted, and for one
    that timed nothing on purpose.
    """
    if job.budget is None or not job.times or measured.last(Interrupted):
        return None
    group, held, unlimited = measured.group, measured.last(Held), measured.last(Unlimited)
    free = unlimited.record if unlimited else None
    served = group.get("latency" if job.workloads else "generation")
    refaulted = served.refaulted_bytes if served else None
    counts = [*(usage.oom_kills for usage in group.values())]
    counts += [killed.oom_kills for killed in measured.all(Killed)]
    kills = max(counts, default=None)
    timing = measured.last(Timing) if measured.phase == "latency" else None
    answer_s = max((one.answer_s.p50 for one in answers.values() if one.answer_s), default=None)
    ttft_s = max((workload.ttft_s.p50 for workload in fixed(timed).values()), default=None)
    untold = f"runtime {job.candidate.runtime} does not say what it puts on a GPU"
    facts = Facts(
        budget=job.budget,
        memory_enforced=held is not None and held.memory is not None,
        error=error,
        phase=measured.phase,
        workload=timing.workload if timing else "",
        oom_kills=kills,
        refaulted_bytes=refaulted,
        weights_bytes=measured.weights_bytes,
        ttft_s=ttft_s if job.workloads else answer_s,
        decode_tokens_per_s=_decode(timed),
        answer_s=answer_s,
        length=_length(job, measured),
        workloads=bool(job.workloads),
        unlimited_decode_tokens_per_s=_decode(free.latency if free else {}),
        gpu=gpu,
        gpu_untold="" if job.candidate.runtime_spec.tells_gpu else untold,
    )
    name, reason = judge(facts)
    return VerdictInfo(
        verdict=name,
        reason=reason,
        phase=error.phase if error else None,
        oom_kills=kills,
        refaulted_bytes=refaulted,
        decode_tokens_per_s=facts.decode_tokens_per_s,
        unlimited_decode_tokens_per_s=facts.unlimited_decode_tokens_per_s,
        unlimited_run=free.run_id if free else None,
        page_cache=measured.page_cache.state,
    )


def _length(job: Job, measured: Measured) -> str:
    """The task that was asked last, where it is answered in a context of its own length."""
    asked = measured.last(AskedTask)
    needs = {task.loaded.name: task.loaded.context for task in job.tasks}
    tokens = needs.get(asked.name) if asked else None
    return f"{asked.name}, which needs a context of {tokens:,} tokens" if asked and tokens else ""


def _decode(timed: Mapping[str, WorkloadLatency]) -> float | None:
    """The median over the requests of the workload that stands for the run."""
    longest = headline(timed)
    return median_of(timed[longest].decode_tokens_per_s) if longest else None
