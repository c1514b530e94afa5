"""The most layers on a GPU with which a candidate works: bisection over real runs, each a record.

It works with a number of layers when that many are on the GPU, it answers the probe, and where
there is a limit of GPU memory, it was seen to keep to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evals.errors import MeasureError
from evals.quantities import format_size
from runners.batches.fit import WORKING, find_edges
from runners.candidates.on_gpu import with_gpu_layers
from runners.compute.budget_use import ad_hoc
from runners.jobs.gpu_flags import FEWER
from runners.jobs.job import Job, Options
from runners.jobs.measured import Step
from runners.jobs.run import run_job
from runners.records.gpu import device_own, device_peak
from runners.records.latency import headline, median_of
from runners.runtimes.devices import required_devices

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.jobs.measured import Notify
    from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersProbe:
    """One run with one number of layers."""

    layers: int | str
    """Layers that were asked for; `all` of the first."""
    record: Record
    works: bool
    why: str
    """The verdict, or what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersFit:
    """The most layers that work, and the runs that show it."""

    reference: Record
    """The run with no layer on a GPU."""
    probes: tuple[LayersProbe, ...]
    """Probes in the order in which they ran."""
    limit_bytes: int | None
    """Limit of GPU memory; None: as much as there is."""
    layers: int
    """The most layers that work; 0: none does."""
    layers_in_all: int
    confirmed: bool
    """True: the edge was tried twice with the same result."""

    @property
    def best(self) -> LayersProbe | None:
        """The first probe with that many layers; None where no layer works."""
        whole = ("all",) if self.layers == self.layers_in_all else ()
        wanted = (self.layers, *whole)
        return next((one for one in self.probes if one.works and one.layers in wanted), None)


@dataclass(slots=True, kw_only=True)
class _Search:
    job: Job
    options: Options
    notify: Notify
    limit_bytes: int | None
    probes: dict[tuple[int | str, int], LayersProbe] = field(default_factory=dict)

    def probe(self, layers: int | str, again: int) -> LayersProbe:
        if (layers, again) not in self.probes:
            self.probes[layers, again] = self._run(layers, again)
        return self.probes[layers, again]

    def _run(self, layers: int | str, again: int) -> LayersProbe:
        self.notify(Step(phase=f"with {layers} layers on the GPU"))
        candidate = with_gpu_layers(self.job.candidate, layers)
        budget = self.job.budget
        if self.limit_bytes is not None:
            budget = ad_hoc(vram_bytes=self.limit_bytes, cpus=budget.cpus if budget else None)
        job = replace(
            self.job, candidate=candidate, budget=budget, repeat=again,
            position=len(self.probes) + 1,
        )  # fmt: skip
        record = _ran(job, self.options, self.notify)
        works, why = judged(record)
        return LayersProbe(layers=layers, record=record, works=works, why=why)


def fit_layers(
    job: Job, options: Options, notify: Notify, *, limit_bytes: int | None = None
) -> LayersFit:
    """Find the most layers of a job's candidate that work on the GPU.

    Args:
        job: the candidate on the tasks of the probe; a budget's CPUs hold for every probe.
        options: of every run; `job_timeout_s` bounds each.
        notify: told of each run's phases.
        limit_bytes: most GPU memory; None: as much as there is.

    Raises:
        MeasureError: it fails without a GPU, too, or neither layers nor memory can be told.
        RuntimeFailure: no GPU is found here.
        RecordError: the store cannot be written.
        SpecError: its runtime counts no layers.
        KeyboardInterrupt: as it came; what was probed is in the store and is not run again.
    """
    job = replace(job, engine_memory_bytes=0, scores=True, repeat=0)
    require_gpu(job.candidate)
    reference = _ran(replace(job, candidate=with_gpu_layers(job.candidate, 0)), options, notify)
    if reference.status != "completed":
        why = reference.error.message if reference.error else "nothing was measured"
        raise MeasureError(f"{job.candidate.name}: fails without a GPU, too: {why}")
    search = _Search(job=job, options=options, notify=notify, limit_bytes=limit_bytes)
    whole = search.probe("all", 0)
    total = _total(whole if whole.record.gpu else search.probe(1, 0), job.candidate.name)
    layers, confirmed = most_layers(
        lambda count, again: search.probe("all" if count == total else count, again).works,
        total=total,
        guess=_guess(whole.record, total, limit_bytes),
    )
    return LayersFit(
        reference=reference,
        probes=tuple(search.probes.values()),
        limit_bytes=limit_bytes,
        layers=layers,
        layers_in_all=total,
        confirmed=confirmed,
    )


def require_gpu(candidate: Candidate) -> None:
    """Refuse a candidate that no layer of can be put on a GPU here.

    Raises:
        RuntimeFailure: no GPU is found here.
        SpecError: its runtime counts no layers.
    """
    asking = with_gpu_layers(candidate, "all")
    required_devices(asking.name, asking.runtime_spec, asking.settings)


def most_layers(works: Callable[[int, int], bool], *, total: int, guess: int) -> tuple[int, bool]:
    """Bisect to the most layers that work, and try both edges again.

    Args:
        works: of (layers, number of the try, from 0); asked of 1 to `total` layers.
        total: layers in all.
        guess: layers to leave out first.

    Returns:
        The most layers, 0 where none works; and whether both tries of each edge agreed.
    """
    whole = works(total, 0)
    if whole and works(total, 1):
        return total, True
    # `find_edges` climbs: a step is a layer fewer, and no layer at all always works.
    edges = find_edges(
        lambda fewer, again: fewer == total or works(total - fewer, again), guess=guess, most=total
    )
    agreed = edges.low > 0 or not (whole or works(total, 1))
    return total - (total if edges.high is None else edges.high), edges.confirmed and agreed


def judged(record: Record) -> tuple[bool, str]:
    """Say whether a probe worked, and the reason.

    Raises:
        MeasureError: its GPU memory is not known, so that no limit can be held against it.
    """
    verdict, gpu = record.verdict, record.gpu
    if record.status != "completed" or gpu is None:
        return False, record.error.message if record.error else "nothing was on the GPU"
    if verdict is not None and verdict.verdict == "not enforced":
        raise MeasureError(verdict.reason)
    if verdict is not None and verdict.verdict not in WORKING:
        return False, verdict.verdict
    if any(flag.name == FEWER for flag in record.flags):
        return False, f"only {gpu.layers} are on the GPU"
    return True, verdict.verdict if verdict else "works"


def used_bytes(record: Record) -> int | None:
    """GPU memory of a run: measured, else by the runtime's own account."""
    peak = device_peak(record.gpu)
    return device_own(record.gpu) if peak is None else peak


def decode_rate(record: Record) -> float | None:
    """Median decode, tokens/s, of the workload with the longest prompt."""
    named = headline(record.latency)
    return median_of(record.latency[named].decode_tokens_per_s) if named else None


def sentence(found: LayersFit) -> str:
    """The result in words."""
    name, total = found.reference.candidate.name, found.layers_in_all
    under = f" in {format_size(found.limit_bytes)}" if found.limit_bytes else ""
    twice = "tried twice" if found.confirmed else "not the same each time it was tried"
    if not found.layers:
        return f"{name}: not one of its {total} layers works on the GPU{under} ({twice})"
    if found.layers == total:
        most = f"all {total} layers work on the GPU{under}"
        return f"{name}: {most} ({twice}){_gain(found)}"
    next_ones = (found.layers + 1, *(["all"] if found.layers + 1 == total else []))
    above = next((one.why for one in found.probes if one.layers in next_ones), "")
    edge = f"; {found.layers + 1}: {above}" if above else ""
    most = f"{found.layers} of {total} layers are the most that work on the GPU{under}"
    return f"{name}: {most}{edge} ({twice}){_gain(found)}"


def _gain(found: LayersFit) -> str:
    before = decode_rate(found.reference)
    after = decode_rate(found.best.record) if found.best else None
    if before is None or after is None:
        return ""
    return f"; decode {after:.1f} tokens/s, {before:.1f} with none"


def _ran(job: Job, options: Options, notify: Notify) -> Record:
    record = run_job(job, options, notify)
    if record.status == "interrupted":
        raise KeyboardInterrupt
    return record


def _total(probe: LayersProbe, name: str) -> int:
    """Number of layers that the runtime counts.

    Raises:
        MeasureError: it counts none, or no layer loads at all.
    """
    gpu = probe.record.gpu
    if gpu is None:
        raise MeasureError(f"{name}: not one layer loads on the GPU: {probe.why}")
    if not gpu.layers_in_all:
        raise MeasureError(f"{name}: {gpu.layers_unknown or 'its layers are not counted'}")
    return gpu.layers_in_all


def _guess(whole: Record, total: int, limit_bytes: int | None) -> int:
    """Layers to leave out first, as if each took the same memory."""
    used = used_bytes(whole)
    if not used or limit_bytes is None or used <= limit_bytes:
        return 1
    return max(1, min(total, total - int(total * limit_bytes / used)))
