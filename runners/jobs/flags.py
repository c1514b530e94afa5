"""Every reason to distrust or to qualify the numbers of a run, one pure rule each.

A `warning` says that something disturbed, cut or changed what was measured: tables show it beside
the numbers, and `--strict` fails by it. A `note` says what a good run may lack as well: it is in
the record and in `weighin show`. The limits are conventions, not tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runners.compute.budget_use import NOT_ENFORCED
from runners.jobs.answer_flags import ANSWER_RULES
from runners.jobs.gpu_flags import GPU_RULES
from runners.jobs.server_flags import SERVER_RULES
from runners.jobs.users_flags import USERS_RULES
from runners.records.circumstances import BudgetInfo, EnforcedInfo
from runners.records.latency import awaited
from runners.records.parts import FlagInfo
from runners.runtimes.llamacpp.advice import KEEP_AMX, REBUILD

if TYPE_CHECKING:
    from runners.jobs.seen import Seen
    from runners.measure.noise import Noise
    from runners.records.record import Record

OTHERS_CPUS = 0.25
"""Average cores that other processes may use."""
STEAL_SHARE = 0.02
"""Share of the wanted CPU time that the hypervisor may keep."""
PSI_SHARE = 0.10
"""Share of the time in which some task may wait for a core."""
LOAD_PER_CORE = 1.5
"""Load average of the minute before: a job before this one may have kept every core at work."""
LEFT_OUT = "kernels left out"
PREBUILT = "+prebuilt"
"""Mark in the version of a llama-cpp-python that `tools/prebuilt.py` installed."""
FREQUENCY_CHANGE = 0.10
"""Relative change of the clock, up or down."""


def flags(record: Record, seen: Seen) -> list[FlagInfo]:
    """All flags of a run, at most one of a name but for workloads and tasks.

    Args:
        record: the run, complete but for its flags.
        seen: the rest.
    """
    found = [] if seen.noise is None else noise_flags(seen.noise)
    for rule in RULES:
        found.extend(rule(record, seen))
    return found


def noise_flags(noise: Noise) -> list[FlagInfo]:
    """Flags for disturbances of the latency phase; a counter that is None flags nothing."""
    found: list[FlagInfo] = []
    contended = list(_contention(noise))
    if contended:
        found.append(_warning("contended", "; ".join(contended)))
    if noise.throttled_periods:
        detail = f"stopped at the CPU quota in {noise.throttled_periods} periods"
        found.append(_warning("throttled", detail))
    if noise.swapped_in_pages:
        detail = f"{noise.swapped_in_pages} pages were read back from swap"
        found.append(_warning("swap-in", detail))
    if noise.frequency_change is not None and abs(noise.frequency_change) > FREQUENCY_CHANGE:
        change = f"{noise.frequency_change:+.0%} (limit {FREQUENCY_CHANGE:.0%})"
        found.append(_warning("frequency", f"the clock changed by {change}"))
    return found


def _contention(noise: Noise) -> Iterator[str]:
    if noise.others_cpus is not None and noise.others_cpus > OTHERS_CPUS:
        yield f"other processes used {noise.others_cpus:.2f} cores on average (limit {OTHERS_CPUS})"
    if noise.steal_share is not None and noise.steal_share > STEAL_SHARE:
        kept = f"{noise.steal_share:.1%}"
        yield f"the hypervisor kept {kept} of the CPU time (limit {STEAL_SHARE:.0%})"
    if noise.psi_some_share is not None and noise.psi_some_share > PSI_SHARE:
        waited = f"{noise.psi_some_share:.0%}"
        yield f"tasks waited for a core {waited} of the time (limit {PSI_SHARE:.0%})"
    if noise.load_per_core is not None and noise.load_per_core > LOAD_PER_CORE:
        load = f"{noise.load_per_core:.1f}"
        yield f"the load of the minute before was {load} a core (limit {LOAD_PER_CORE})"


def _threads(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """More threads than cores: they wait for each other, which costs far more than it gains."""
    threads, cores = record.candidate.settings.get("threads"), record.machine.usable_cpus
    allowed = record.budget.cpus if record.budget else None
    if cores and allowed:
        cores = min(cores, math.ceil(allowed))
    if threads and cores and threads > cores:
        detail = f"{threads} threads on {cores} usable cores (affinity, CPU quota and budget)"
        yield _warning("threads above quota", detail)


def _no_peak(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    """Memory that this machine's kernel does not tell."""
    if record.load is not None and record.memory is None and not seen.elsewhere:
        detail = "this kernel keeps no high-water mark (no VmHWM in /proc, as in gVisor), so peak "
        yield _warning("peak not measured", detail + "memory is not known")


def _skipped(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for workload in seen.skipped:
        context = record.candidate.settings.get("context")
        tokens = [int(part) for part in workload.split("+") if part.isdecimal()]
        fits = isinstance(context, int) and sum(tokens) <= context and len(tokens) > 1
        why = "have no part of the given time" if fits else "do not fit the candidate's context"
        detail = f"{workload} tokens {why}"
        yield _warning("workload skipped", detail)


def _halved(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if seen.halved_to is not None:
        detail = f"the device's memory ran out: at most {seen.halved_to} tokens since then"
        yield _warning("batches halved", detail)


def _plainly(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    """Flags for shortcuts that differ from plain evaluation, and which the runtime does without."""
    if not seen.caches:
        detail = "the model answers otherwise from its cache than without one: each token was "
        detail += "computed with all before it, which takes longer than the model should"
        yield _warning("no cache", detail)
    if not seen.packs:
        detail = "what sequences share gave other scores than each sequence by itself: every one "
        yield _note("every sequence anew", detail + "was evaluated from its start, which is slower")


def _truncated(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for task, (cut, n) in seen.truncated.items():
        if cut:
            detail = f"{task}: {cut} of {n} items were longer than the context"
            yield _warning("prompt truncated", detail)


def _alone(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for task, (joined, n) in seen.alone.items():
        if joined:
            detail = f"{task}: {joined} of {n} items have a choice that is one token with the end "
            yield _warning("choice encoded alone", f"{detail}of its context")


def _alike(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for name, said in seen.unclustered.items():
        yield _note("items share passages", f"{name}: {said}")


def _unusable(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for name, task in record.accuracy.items():
        if task.unusable and not record.job.unscored:
            yield _warning("no usable score", f"{name}: {task.unusable}")


def _no_text(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for name, workload in record.latency.items():
        mute = [r for r in workload.repeats if awaited(r.first_text, len(r.token_s)) is None]
        if mute:
            yield _warning(
                "no text",
                f"{name}: {len(mute)} of {len(workload.repeats)} requests gave no text before "
                "their last token; TTFT is the first token's there",
            )


def _budget(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    budget, machine = record.budget or BudgetInfo(), record.machine
    memory, cpus = budget.memory_bytes, budget.cpus
    held = budget.enforced or EnforcedInfo()
    free = []
    if memory and held.memory in (None, NOT_ENFORCED):
        free.append(f"memory of {memory:,} bytes")
    if cpus and held.cpus in (None, NOT_ENFORCED):
        free.append(f"{cpus:g} CPUs")
    if free:
        why = f" ({seen.unheld})" if seen.unheld else ""
        detail = f"nothing held the worker to {' and '.join(free)}{why}"
        yield _warning("budget not enforced", detail)
    elif seen.unheld:
        yield _warning("budget not enforced", seen.unheld)
    above = []
    room = min(seen.room_bytes, math.inf if machine.ram_bytes is None else machine.ram_bytes)
    if memory and memory > room:
        above.append(f"{memory:,} bytes on a machine of {room:,}")
    if cpus and machine.usable_cpus is not None and cpus > machine.usable_cpus:
        above.append(f"{cpus:g} CPUs on {machine.usable_cpus} usable cores")
    if above:
        yield _warning("budget exceeds machine", "; ".join(above))


def _kernels(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    """Much of the speed of quantised weights; a build that has them gives other scores, too."""
    left_out = seen.proof.left_out
    if left_out:
        detail = f"{left_out} kernels: they fail in this build of llama.cpp ("
        advice = KEEP_AMX if "AMX" in left_out else REBUILD
        yield _warning(LEFT_OUT, f"{detail}{seen.proof.problem}); build another: {advice}")
    elif seen.not_built:
        detail = f"{seen.not_built} kernels: this processor could use them, and this build of "
        yield _note(LEFT_OUT, f"{detail}llama.cpp was compiled without; quantised weights are slow")


def _prebuilt(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    if PREBUILT in (record.software.runtime_version or ""):
        detail = "llama.cpp was compiled elsewhere, for a family of processors and without OpenMP; "
        yield _note("prebuilt runtime", f"{detail}a build for this one has other times")


def _cache_state(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    if record.load and record.candidate.weights_bytes and record.load.page_cache == "unknown":
        detail = "whether the weights were in the page cache before is not known: cold start may "
        yield _note("cache state unknown", detail + "be that of a warm one")


def _unverified(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    if record.candidate.weights_sha256 and not record.candidate.weights_verified:
        detail = "no sha256 pins the weights; the record has the one that was found"
        yield _note("weights not verified", detail)


RULES: tuple[Callable[[Record, Seen], Iterator[FlagInfo]], ...] = (
    _threads, _no_peak, _skipped, _halved, _plainly, _truncated, _alone, _alike,
    *ANSWER_RULES, *SERVER_RULES, *USERS_RULES, *GPU_RULES, _unusable, _no_text, _budget, _kernels,
    _prebuilt, _cache_state, _unverified,
)  # fmt: skip
"""Rules in the order in which their flags are shown, after those of `noise_flags`."""


def _warning(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail)


def _note(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail, level="note")
