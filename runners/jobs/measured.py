"""What a job has measured so far, and what of it its journal keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runners.compute.limits import Held
from runners.measure.energy import EnergyMeter
from runners.measure.group_usage import GroupUsage
from runners.measure.memory import PhaseMemory
from runners.measure.noise import Noise
from runners.worker import protocol, wire

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from runners.jobs.journal import Journal
    from runners.jobs.windows import Answer
    from runners.records.parts import NoiseFloorInfo
    from runners.records.record import Phase, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where a job stands, for whoever draws progress."""

    phase: str
    """One of the record's phases, or what the job waits for before the first."""
    task: str = ""
    done: int = 0
    """Items of the whole job that are answered; in the latency phase requests of a workload."""
    total: int = 0
    workload: str = ""
    """In the latency phase, what `done` and `total` count the requests of."""


Notify = Callable[[Step], None]


@dataclass(slots=True, kw_only=True)
class Measured:
    """What a job has measured so far; the one thing here that changes."""

    phase: Phase = "baseline"
    ready: protocol.Ready | None = None
    loaded: protocol.Loaded | None = None
    ready_s: float = 0.0
    load_s: float = 0.0
    first_token_s: float | None = None
    memory: dict[Phase, PhaseMemory] = field(default_factory=dict)
    held: Held | None = None
    """By what the worker was held to its budget; None: there was none, or no worker."""
    group: dict[Phase, GroupUsage] = field(default_factory=dict)
    """What the worker's control group counted, where it had one."""
    page_cache: str = "unknown"
    """State of the weights' pages before they were loaded."""
    mmap: bool = True
    """False: the weights could not be dropped from the page cache, and were read instead."""
    unlimited: Record | None = None
    """The same candidate's timed phases without the limit, where thrashing was to be told."""
    series: list[tuple[float, int, int | None, int | None]] = field(default_factory=list)
    latency: dict[str, protocol.LatencyTimes] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    """Workloads that do not fit the candidate's context."""
    noise: Noise | None = None
    readings: dict[str, Any] = field(default_factory=dict)
    """The machine's counters `before` and `after` the latency phase."""
    energy: EnergyMeter | None = None
    joules: dict[Phase, float] = field(default_factory=dict)
    engine: protocol.EngineOpened | None = None
    raw_tokens: int = 0
    distinct_tokens: int = 0
    halved_to: int | None = None
    """As `protocol.Scored` says."""
    scoring_s: float = 0.0
    noise_floor: NoiseFloorInfo | None = None
    replies: dict[str, list[Any]] = field(default_factory=dict)
    """Task -> of each finished item its ItemScore, or its list of ItemText."""
    answered: dict[str, list[list[list[Answer]]]] = field(default_factory=dict)
    items: dict[str, Sequence[Item]] = field(default_factory=dict)
    without_system: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Task -> prompts that lack the task's system message, prompts."""
    unasked: list[str] = field(default_factory=list)
    """Why tasks could not be asked at all, while the others were."""
    resumed: int = 0
    interrupted: bool = False

    @property
    def weights_bytes(self) -> int | None:
        """Of the weights as the runtime counts them; None where none were loaded."""
        return self.loaded.weights_bytes if self.loaded else None


def keep(journal: Journal, measured: Measured) -> None:
    """Keep the latency phase, and what led to it, for a run that goes on."""
    journal.append({
        "kind": "latency",
        "times": {name: wire.to_wire(times) for name, times in measured.latency.items()},
        "skipped": measured.skipped,
        "noise": asdict(measured.noise) if measured.noise else None,
        "readings": measured.readings,
        "memory": {phase: asdict(memory) for phase, memory in measured.memory.items()},
        "joules": measured.joules,
        "group": {phase: asdict(usage) for phase, usage in measured.group.items()},
        "page_cache": [measured.page_cache, measured.mmap],
        "start": [measured.ready_s, measured.load_s, measured.first_token_s],
    })  # fmt: skip


def restore(journal: Journal, measured: Measured) -> bool:
    """Take the latency phase of the process that measured it; its memory and load go with it."""
    kept = journal.find("latency")
    if not kept:
        return False
    event = kept[-1]
    restored = {name: wire.from_wire(times) for name, times in event["times"].items()}
    measured.latency = {
        name: times for name, times in restored.items() if isinstance(times, protocol.LatencyTimes)
    }
    measured.skipped = event["skipped"]
    measured.noise = Noise(**event["noise"]) if event["noise"] else None
    measured.readings = event["readings"]
    measured.memory = {phase: PhaseMemory(**kept) for phase, kept in event["memory"].items()}
    measured.joules = dict(event.get("joules", {}))
    measured.group = {phase: GroupUsage(**kept) for phase, kept in event.get("group", {}).items()}
    measured.page_cache, measured.mmap = event.get("page_cache", ("unknown", True))
    measured.ready_s, measured.load_s, measured.first_token_s = event["start"]
    return True


def until_now(measured: Measured, peak: int) -> PhaseMemory:
    """What is known of a phase before it ends, for the record of a job that does not end it."""
    before = measured.memory.get(measured.phase)
    return PhaseMemory(
        peak_bytes=max(peak, before.peak_bytes if before else 0),
        anon_bytes=None,
        file_bytes=None,
        source=measured.memory["baseline"].source,
        split_unknown="the phase did not end",
    )


def at_least(phase: PhaseMemory, peaks: Sequence[int]) -> PhaseMemory:
    """A resumed phase's peak is the greatest of the processes that worked on it."""
    return replace(phase, peak_bytes=max([phase.peak_bytes, *peaks]))
