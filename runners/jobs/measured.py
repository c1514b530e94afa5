"""A job's measurements so far: frozen parts, appended as they become known, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from runners.compute.limits import Held
from runners.jobs.own_contexts import OpenedContext
from runners.jobs.step import Notify as Notify
from runners.jobs.step import Step as Step
from runners.jobs.user_level import UsersLevel
from runners.jobs.windows import PLAINLY, Answering
from runners.measure.device_memory import DevicePhase
from runners.measure.group_usage import GroupUsage
from runners.measure.memory import PhaseMemory
from runners.measure.noise import Noise
from runners.records.parts import DivergenceInfo
from runners.records.record import Phase
from runners.worker import protocol

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from runners.jobs.windows import Answer
    from runners.records.parts import NoiseFloorInfo
    from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCache:
    """State of the weights' pages before they were loaded."""

    state: str
    """`cold`, `warm`, `37% warm`, `no weights` or `unknown`."""
    mmap: bool = True
    """False: they could not be dropped from the page cache, and were read instead of mapped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A phase was begun."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The worker has imported its runtime."""

    ready: protocol.Ready
    ready_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The journal goes on from earlier processes."""

    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """The weights are in memory."""

    model: protocol.Loaded
    load_s: float
    """Seconds to load, without the runtime's check of itself, which no deployment makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A workload was begun."""

    workload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPhase:
    """The workloads were timed, all that fit or those before the worker died."""

    times: dict[str, protocol.LatencyTimes]
    skipped: list[str]
    """Workloads that do not fit the candidate's context."""
    first_token_s: float | None
    noise: Noise | None
    readings: dict[str, Any]
    """The machine's counters `before` and `after` the phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMarks:
    """Counters read where a phase ended, or broke off."""

    phase: Phase
    memory: PhaseMemory | None
    """Memory; None: the process was gone, or not there yet, and nothing had been read before."""
    joules: float | None
    group: GroupUsage | None
    """Counts of the worker's control group; None: it had none."""
    device: DevicePhase | None = None
    """Device memory; None: no part of the model was on a device, or the phase broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """Counter that the joules come from, or why a figure is missing."""

    source: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTask:
    """A task's items as this candidate is asked them: each has its own chat template."""

    name: str
    items: Sequence[Item]
    without_system: tuple[int, int] | None = None
    """Prompts that lack the task's system message, prompts; None where no template is used."""
    unused: tuple[str, ...] = ()
    """Arguments of the template that it does not know."""
    how: Answering = PLAINLY
    """How the candidate answers them, where it generates."""
    stages: tuple[int, ...] = ()
    """Numbers of items at which a stage ends (`PreparedTask.stages`), and no window goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaskedTask:
    """A task could not be asked at all, while others could."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredWindow:
    """The next items of a task, answered together."""

    phase: Phase
    task: str
    reply: protocol.Scored | protocol.Generated
    replies: Sequence[Any]
    """An entry an item: its ItemScore, or its list of ItemText."""
    answers: Sequence[Sequence[Sequence[Answer]]]
    """Responses in lm-eval's form, by item, instance and repeat."""
    peak_bytes: int | None
    """High-water mark of the worker in this phase until then; None: this machine keeps none."""
    kept: bool
    """True where an earlier process answered it, whose energy is not known."""
    context: int | None = None
    """Tokens of the context that was opened for its task; None: the candidate's own was used."""
    alone: bool = False
    """True: the peak is of that context, and of nothing before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The noise floor was measured, or why it was not."""

    floor: NoiseFloorInfo
    plain: Mapping[str, Mapping[int, protocol.ItemScore]] = field(default_factory=dict)
    """Task -> place among its items -> how it was scored plainly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The memory curve: (seconds, resident, anonymous, file-backed bytes)."""

    series: Sequence[tuple[float, int, int | None, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """Processes that the kernel had killed for memory when the worker had ended."""

    oom_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlimited:
    """Timed phases of the candidate without the memory limit, to recognise thrashing."""

    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLogits:
    """Logits of a reference, which the candidate's are compared with."""

    path: Path | None = None
    """A file of logits; None: there is none, and `reason` says why."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Somebody ended the job."""


Part = (
    Held | PageCache | Begun | Started | Resumed | LoadedModel | Timing | TimedPhase | PhaseMarks
    | Metered | protocol.EngineOpened | AskedTask | UnaskedTask | AnsweredWindow | Probed | Sampled
    | OpenedContext | Killed | Unlimited | ReferenceLogits | DivergenceInfo | UsersLevel
    | Interrupted
)  # fmt: skip
PartT = TypeVar("PartT", bound=Part)


class Measured:
    """A job's parts in order of time. Where one kind may come again, the last counts."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def add(self, part: Part) -> None:
        """Append a part."""
        self._parts.append(part)

    def last(self, kind: type[PartT]) -> PartT | None:
        """The newest part of a kind; None before there is one."""
        return next((part for part in reversed(self._parts) if isinstance(part, kind)), None)

    def all(self, *kinds: type[PartT]) -> list[PartT]:
        """Every part of these kinds, oldest first."""
        return [part for part in self._parts if isinstance(part, kinds)]

    @property
    def phase(self) -> Phase:
        """The last phase that was begun."""
        begun = self.last(Begun)
        return begun.phase if begun else "baseline"

    @property
    def model(self) -> protocol.Loaded | None:
        """The runtime's description of the weights; None where they were not loaded."""
        loaded = self.last(LoadedModel)
        return loaded.model if loaded else None

    @property
    def weights_bytes(self) -> int | None:
        """Size of the weights as the runtime counts them; None where none were loaded."""
        return self.model.weights_bytes if self.model else None

    @property
    def page_cache(self) -> PageCache:
        """State of the weights' pages before they were loaded, `unknown` until looked at."""
        return self.last(PageCache) or PageCache(state="unknown")

    @property
    def memory(self) -> dict[Phase, PhaseMemory]:
        """Memory by phase, of the phases of which something is known."""
        return {part.phase: part.memory for part in self.all(PhaseMarks) if part.memory}

    @property
    def group(self) -> dict[Phase, GroupUsage]:
        """Counts of the worker's control group, by phase."""
        return {part.phase: part.group for part in self.all(PhaseMarks) if part.group}

    @property
    def tasks(self) -> Mapping[str, TaskAnswers]:
        """Questions and answers of each task that was begun."""
        windows: dict[str, list[AnsweredWindow]] = {}
        for window in self.all(AnsweredWindow):
            windows.setdefault(window.task, []).append(window)
        return {
            asked.name: TaskAnswers(
                asked=asked,
                replies=[r for w in windows.get(asked.name, ()) for r in w.replies],
                answers=[a for w in windows.get(asked.name, ()) for a in w.answers],
            )
            for asked in self.all(AskedTask)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswers:
    """One task's windows, put together: its first `len(replies)` items are answered."""

    asked: AskedTask
    replies: Sequence[Any]
    answers: Sequence[Sequence[Sequence[Answer]]]
