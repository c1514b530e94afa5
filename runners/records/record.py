"""A record: everything that one job left behind. Immutable; raw values, not only means.

Seconds and bytes throughout. A number that could not be had is None, and a text beside it says
why. New optional keys do not raise `SCHEMA_VERSION`; keys that this version does not know are
kept. History of the schema: 1 (0.1.0) first.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from runners.records.answers import AnswersInfo
from runners.records.circumstances import (
    BudgetInfo,
    ExecutorInfo,
    ImportedInfo,
    MachineInfo,
    NoiseInfo,
    SoftwareInfo,
    VerdictInfo,
)
from runners.records.contexts import ContextInfo
from runners.records.gpu import GpuInfo
from runners.records.looks import LooksInfo
from runners.records.parts import (
    DivergenceInfo,
    EnergyInfo,
    EngineInfo,
    FlagInfo,
    LoadInfo,
    NoiseFloorInfo,
    Part,
)
from runners.records.server import ServerInfo
from runners.records.timed import WorkloadLatency
from runners.records.users import UsersInfo
from runners.records.values import (
    Bits,
    Bytes,
    Count,
    Moment,
    Score,
    Seconds,
    Share,
    Size,
    Whole,
)

SCHEMA_VERSION = 1
RUN_ID = r"^[0-9]{8}T[0-9]{6}-[A-Za-z0-9._-]{1,120}$"
Phase = Literal["baseline", "load", "latency", "scoring", "generation", "divergence", "users"]


class JobError(Part):
    """Why a job is not complete."""

    phase: str
    message: str
    traceback: str = ""


class JobInfo(Part):
    """Identity of the job, and its place in the batch."""

    key: str
    """Two jobs with one key would measure the same thing."""
    batch: str
    repeat: Count
    position: Count
    """Place in the batch, from 0, in the order in which it ran."""
    jobs: Count
    throughput: bool = False
    """Generations were packed, several at a time, and none of them was timed."""
    scores: bool = True
    """False: a repeat of the timed phases alone; the batch's first repeat has the accuracy."""
    unscored: bool = False
    """Answers were kept, and not scored (`--no-score`)."""
    resumed: Count = 0
    """Number of times that an interrupted run of this job was taken up again."""
    seconds: Seconds | None = None
    """Wall time of this run, set-up included; of the last process when resumed."""
    looks: LooksInfo | None = None
    """Its part in a comparison that was given a time; None, and left out: it was asked all
    items."""

    @model_serializer(mode="wrap")
    def _stored(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = as_usual(self)
        if self.looks is None:
            found.pop("looks", None)
        return found


class QuantisationInfo(Part):
    """Number format of the weights, read from the file."""

    name: str
    bits_per_weight: Bits
    share: dict[str, Share]
    """Share of the parameters by tensor type."""


class CandidateInfo(Part):
    """The candidate as it was resolved on this machine."""

    name: str
    family: str
    runtime: str
    digest: str
    """Digest over weights, runtime and chosen settings; made on reading where a record has no
    `chosen`."""
    source: str | None = None
    """Address of the weights; None for a runtime without any."""
    made_from: str | None = None
    weights_sha256: str | None = None
    weights_verified: bool = False
    """True where the weights have the hash that the candidate's file asks for."""
    weights_bytes: Bytes | None = None
    parameters: Count | None = None
    architecture: str | None = None
    quantisation: QuantisationInfo | None = None
    licence: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings as they were used: those that the runtime has, and chat_template."""
    chosen: dict[str, Any] | None = None
    """Settings that someone chose, defaults left out. None: an early version wrote it, or another
    harness."""
    notes: str = ""


class SuiteInfo(Part):
    """The suite, and exactly which items of it."""

    name: str
    version: Count
    digest: str
    """Digest over tasks, few-shot, seed, workloads and the identity of every item. In a comparison
    with a given time: of the items that there was room for, and of its name."""
    seed: Whole
    tasks: list[dict[str, Any]]
    workloads: list[str]
    latency_repeats: Count
    """Timed requests a workload that the suite asks for; in ten repeats or more two stand for the
    default of five."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keys of the suite that are about every task, defaults left out: gen, metadata,
    fewshot_as_multiturn."""
    requests: dict[str, Count] = Field(default_factory=dict)
    """Workload -> timed requests, where the suite gives it a number of its own."""


class DataInfo(Part):
    """Source of one task's items."""

    task: str
    source: str
    uri: str
    split: str
    sha256: str | None
    licence: str
    note: str = ""

    @property
    def is_own(self) -> bool:
        """True for a person's own questions, whose samples hold question and accepted answers."""
        return self.source == "questions"


class TaskAccuracy(Part):
    """One task's scores."""

    group: str
    entry: str = ""
    """The suite's entry that asked for it, where that is not the group."""
    by_size: bool = True
    """True: the group's mean weights this task by its items (lm-eval's `weight_by_size`). False:
    every task of the group weighs the same."""
    metric: str
    """The headline metric."""
    value: Score | None
    stderr: Size | None
    """Sample standard deviation / sqrt(n), clustered where items share a passage; None where the
    metric is no mean, or n < 2."""
    n: Count
    asked: Count
    """Items that the suite wanted; n is smaller in an incomplete job."""
    documents: Count | None = None
    """Items that the task has in all; None in records older than the key, or imported."""
    chance: Share | None
    """Expected score of random guessing; None where there is no such thing."""
    num_fewshot: Count
    higher_is_better: bool
    metrics: dict[str, Score | None]
    note: str = ""
    scale: str = ""
    """Scale of the headline metric (`evals.scales.Scale`); empty in records older than the key."""
    ability: str = ""
    """Ability that the suite or the task's file names; empty: the name of the task says which
    (`evals.abilities`)."""
    unusable: str = ""
    """Why the value cannot be used, naming documents; empty where it can, or is not known."""
    clusters: Count | None = None
    """Passages or other groups of items that stand or fall together; None: every item by itself."""
    design_effect: Size | None = None
    """Clustered variance / plain variance, at least 1; None likewise."""
    optional: bool = False
    """True: it enters no mean, since candidates of a shorter context are not asked it."""


class MemoryPhase(Part):
    """Bytes of the worker's process tree in one phase."""

    peak_bytes: Bytes
    anon_bytes: Bytes | None
    file_bytes: Bytes | None
    split_unknown: str | None = None
    """Why anon and file are None; None where they are known."""
    group_peak_bytes: Bytes | None = None
    """Most bytes charged to the worker's control group, under a memory budget."""
    refaulted_bytes: Bytes | None = None
    """File pages that were dropped for lack of room under a memory budget and read again."""


class MemoryInfo(Part):
    """Peak memory, phase by phase. The headline is the largest of load, latency and generation."""

    source: str
    """Counter of the latency phase's peak; a peak that could not be reset says so."""
    phases: dict[Phase, MemoryPhase]
    series: list[tuple[Seconds, Bytes, Bytes | None, Bytes | None]] = Field(default_factory=list)
    """(seconds, resident, anonymous, file-backed bytes) while likelihood tasks are scored."""


class Record(Part):
    """One executed job."""

    schema_version: Literal[1] = 1
    run_id: Annotated[str, Field(pattern=RUN_ID)]
    created_at: Moment
    """UTC, ISO 8601."""
    command: str
    status: Literal["completed", "failed", "interrupted"]
    error: JobError | None = None
    verdict: VerdictInfo | None = None
    """Verdict on the budget; None without one, and where the run was interrupted."""
    job: JobInfo
    candidate: CandidateInfo
    suite: SuiteInfo
    data: list[DataInfo]
    budget: BudgetInfo | None = None
    machine: MachineInfo
    software: SoftwareInfo
    accuracy: dict[str, TaskAccuracy] = Field(default_factory=dict)
    latency: dict[str, WorkloadLatency] = Field(default_factory=dict)
    answers: dict[str, AnswersInfo] = Field(default_factory=dict)
    """Generations by task; empty where no task asks for any, and in early records."""
    contexts: dict[str, ContextInfo] = Field(default_factory=dict)
    """Tasks and groups that need a context of some length: what it cost, or why they were not
    asked. Empty where no task does, and in early records."""
    load: LoadInfo | None = None
    memory: MemoryInfo | None = None
    gpu: GpuInfo | None = None
    """Devices beside the processor, and their memory; None: no part of the model was on one."""
    engine: EngineInfo | None = None
    noise: NoiseInfo | None = None
    noise_floor: NoiseFloorInfo | None = None
    """Noise floor; None: the tasks were not answered, or not to their end."""
    divergence: DivergenceInfo | None = None
    """Divergence from a reference; None: there was none, or an early version wrote the record."""
    flags: list[FlagInfo] = Field(default_factory=list)
    energy: EnergyInfo | None = None
    """Energy; None: the worker did not start, or an early version wrote the record."""
    executor: ExecutorInfo | None = None
    """Scheduler that ran it; None: it was run from this machine."""
    server: ServerInfo | None = None
    """The server that was asked; None: the model was in a process of Weighin's own."""
    users: UsersInfo | None = None
    """Several users at once; None: that was not asked for."""
    imported: ImportedInfo | None = None
    """Origin of imported results; None: Weighin measured it."""

    @property
    def is_answer(self) -> bool:
        """True where the record answers what was asked: it is complete, or the budget's limit
        killed it.
        """
        killed = self.verdict is not None and self.verdict.verdict == "out of memory"
        return self.status == "completed" or (self.status == "failed" and killed)
