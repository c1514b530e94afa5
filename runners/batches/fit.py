"""The smallest memory limit in which a candidate works: bisection over real runs, each a record.

It works under a limit when its latency phase completes without thrashing and a probe of the tasks,
answered inside the same limit, gives the same answers as without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evals.errors import MeasureError
from evals.quantities import format_size
from runners.compute.budget_use import ad_hoc, allowance
from runners.compute.limits import limited
from runners.compute.machine import usable_memory
from runners.jobs.job import Job, Options
from runners.jobs.measured import Step
from runners.jobs.run import run_job

if TYPE_CHECKING:
    from runners.jobs.measured import Notify
    from runners.records.record import Record
    from runners.records.store import Store

STEP_BYTES = 16 * 2**20
"""Resolution in bytes to which the smallest limit is found."""
ANSWERS = ("task", "item", "logprobs", "greedy", "answer")
"""The columns of the samples that two runs must have alike; the rest are times."""
WORKING = ("fits", "too slow")
"""Speed is no question of memory, short of thrashing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One run under one limit."""

    limit_bytes: int
    record: Record
    works: bool
    why: str
    """The verdict, or that the answers differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Smallest memory limit in which a candidate works, and the runs that show it."""

    reference: Record
    """The run without a memory limit."""
    probes: tuple[Probe, ...]
    """Probes in the order in which they ran."""
    smallest_bytes: int | None
    """Smallest limit that works, bytes; None: no limit up to the machine's memory does."""
    confirmed: bool
    """True: the edge was tried twice with the same result, that it works there and not one step
    below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Neighbouring limits, in steps: it does not work under `low`, and does under `high`."""

    low: int
    high: int | None
    """Smallest limit that works, in steps; None: none does."""
    confirmed: bool


def find_edges(works: Callable[[int, int], bool], *, guess: int, most: int) -> Edges:
    """Bisect to the smallest limit that works, and probe both edges again.

    Args:
        works: of (limit in steps, number of the try, from 0).
        guess: where to begin, in steps.
        most: the largest limit to try, in steps.

    Limit 0 is taken not to work. What works once of two times counts as not working.
    """
    low, high = 0, min(max(1, guess), most)
    while not works(high, 0):
        low = high
        if high == most:
            return Edges(low=most, high=None, confirmed=not works(most, 1))
        high = min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle, 0):
            high = middle
        else:
            low = middle
    while not works(high, 1):
        if high == most:
            return Edges(low=most, high=None, confirmed=False)
        low, high = high, high + 1
        while not works(high, 0) and high < most:
            low, high = high, high + 1
    below = low > 0 and (works(low, 0) or works(low, 1))
    return Edges(low=low, high=high, confirmed=not below)


@dataclass(slots=True, kw_only=True)
class _Search:
    job: Job
    options: Options
    notify: Notify
    reference: Record
    probes: dict[tuple[int, int], Probe] = field(default_factory=dict)

    def works(self, steps: int, again: int) -> bool:
        if (steps, again) not in self.probes:
            self.probes[steps, again] = self._probe(steps * STEP_BYTES, again)
        return self.probes[steps, again].works

    def _probe(self, limit_bytes: int, again: int) -> Probe:
        base = self.job.budget
        budget = ad_hoc(memory_bytes=limit_bytes, cpus=base.cpus if base else None)
        job = replace(self.job, budget=budget, repeat=again, position=len(self.probes) + 1)
        self.notify(Step(phase=f"under {format_size(limit_bytes)}"))
        record = run_job(job, self.options, self.notify)
        if record.status == "interrupted":
            raise KeyboardInterrupt
        verdict = record.verdict.verdict if record.verdict else "not judged"
        if verdict not in WORKING:
            return Probe(limit_bytes=limit_bytes, record=record, works=False, why=verdict)
        same = answers(self.options.store, record) == answers(self.options.store, self.reference)
        why = verdict if same else "other answers than without a limit"
        return Probe(limit_bytes=limit_bytes, record=record, works=same, why=why)


def fit(job: Job, options: Options, notify: Notify) -> Fit:
    """Find the smallest memory limit of a job's candidate, to 16 MiB.

    Args:
        job: the candidate on the tasks of the probe; a budget's CPUs hold for every probe.
        options: of every run; `job_timeout_s` bounds each.
        notify: told of each run's phases.

    Raises:
        MeasureError: memory cannot be limited here, or it fails without a limit.
        RecordError: the store cannot be written.
        KeyboardInterrupt: as it came; what was probed is in the store and is not run again.
    """
    if job.elsewhere:
        raise MeasureError(
            f"{job.candidate.name} runs behind a URL, where no memory can be limited or measured"
        )
    # The smallest engine in every probe, and alike: the same bits are the same answers.
    job = replace(job, engine_memory_bytes=0, scores=True, repeat=0)
    with limited(allowance(ad_hoc(memory_bytes=STEP_BYTES))) as limit:
        if limit.held.memory is None:
            raise MeasureError(f"memory cannot be limited here: {limit.held.memory_why}")
    reference = run_job(job, options, notify)
    if reference.status == "interrupted":
        raise KeyboardInterrupt
    if reference.status != "completed" or reference.memory is None:
        why = reference.error.message if reference.error else "nothing was measured"
        raise MeasureError(f"{job.candidate.name}: fails without a limit, too: {why}")
    search = _Search(job=job, options=options, notify=notify, reference=reference)
    peak = max(phase.peak_bytes for phase in reference.memory.phases.values())
    edges = find_edges(
        search.works,
        guess=-(-peak // STEP_BYTES),
        most=max(1, usable_memory(job.machine.ram_bytes) // STEP_BYTES),
    )
    return Fit(
        reference=reference,
        probes=tuple(search.probes.values()),
        smallest_bytes=None if edges.high is None else edges.high * STEP_BYTES,
        confirmed=edges.confirmed,
    )


def answers(store: Store, record: Record) -> list[dict[str, Any]]:
    """Answers of a run, item by item, without their times."""
    rows: list[dict[str, Any]] = store.samples(record.run_id, list(ANSWERS)).to_pylist()
    return rows


def sentence(found: Fit) -> str:
    """The result in words."""
    name = found.reference.candidate.name
    if found.smallest_bytes is None:
        return f"{name}: works under no limit that this machine can set"
    size, below = format_size(found.smallest_bytes), found.smallest_bytes - STEP_BYTES
    twice = "both tried twice" if found.confirmed else "not the same each time it was tried"
    under = {probe.limit_bytes: probe.why for probe in found.probes}.get(below)
    edge = f"; {format_size(below)}: {under}" if under else ""
    return f"{name}: works from {size} on{edge} ({twice}); a limit of memory, not of speed"
