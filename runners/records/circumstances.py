"""Under which circumstances a run was made, and what was made of them: machine, software, budget,
disturbances, verdict.

Earlier versions wrote fewer of these keys, and other harnesses write fewer still: every key may be
missing, and a record is written with the keys that it was given.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from runners.records.parts import Part
from runners.records.values import Bytes, Count, Rate, Score, Seconds, Size, Whole


class SaidPart(Part):
    """A part that is written with the keys that it was given, under their names in the file."""

    model_config = ConfigDict(populate_by_name=True)

    @model_serializer(mode="wrap")
    def _as_given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            (fields[key].alias or key) if key in fields else key: value
            for key, value in serialize(self).items()
            if key in self.model_fields_set
        }

    def said(self) -> dict[str, Any]:
        """Content by key, as in the file."""
        return self.model_dump()


class MachineInfo(SaidPart):
    """Properties of the machine that affect a measurement."""

    cpu_model: str | None = None
    """A name for people, which clouds give to several generations."""
    usable_cpus: Count | None = None
    """Cores that the process could use: the affinity, cut by a CPU quota."""
    logical_cpus: Count | None = None
    """Cores that the system has."""
    ram_bytes: Bytes | None = None
    """Memory of the system; a container's limit is not in it."""
    gpu: tuple[str, ...] = ()
    """Names as nvidia-smi gives them; empty without it."""
    os_family: str | None = None
    os_release: str | None = None
    """The kernel's version: recorded, not fingerprinted."""
    python: str | None = None
    cpu_id: str | None = None
    """Generation: vendor, family, model and stepping; on ARM implementer, part, variant and
    revision. Empty or missing: not known, so the machine is known by its name only."""
    cpu_features: tuple[str, ...] = ()
    """Instruction sets with kernels of their own, e.g. `avx512_vnni`, `i8mm`."""
    transparent_hugepage: str | None = None
    """`always`, `madvise` or `never`, by which peak memory moves; None: not known."""
    governors: tuple[str, ...] = ()
    """cpufreq governors in use; empty where none is shown, or an early version wrote it."""
    fingerprint: str | None = None
    """12 hexadecimal digits over what makes timings comparable (`runners/compute/machine.py`)."""


class SoftwareInfo(SaidPart):
    """Versions, and the runtime's build."""

    weighin: str | None = None
    lm_eval: str | None = None
    python: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    runtime_build: str | None = None
    runtime_digest: str | None = None
    """Digest over the compiled libraries that were loaded."""
    left_out: str | None = None
    """Kernels that the build lacks or fails with."""
    tells_gpu: bool | None = None
    """False: the runtime does not say what it puts on a GPU, so that a missing `gpu` tells nothing.
    None: it says so, or an early version wrote the record."""
    sandbox_python: str | None = None
    """Version of Python that ran the code of answers, in the sandbox."""


class EnforcedInfo(SaidPart):
    """Mechanism that held the worker to each limit: `cgroup v1`, `cgroup v2`, `affinity`, `not
    enforced`.

    None: there was no such limit.
    """

    memory: str | None = None
    cpus: str | None = None
    vram: str | None = None
    """`checked, not enforced`, where there is a limit of GPU memory."""


class BudgetInfo(SaidPart):
    """A budget's limits as they were asked for. Nothing in it is of one run alone."""

    name: str = ""
    description: str = ""
    source: str = ""
    """Reference for the figures."""
    memory_bytes: Bytes | None = None
    vram_bytes: Bytes | None = None
    """Most memory of the GPU, which is checked and cannot be enforced."""
    cpus: Rate | None = None
    deadline_ttft_s: Seconds | None = None
    deadline_answer_s: Seconds | None = None
    """Latest beginning of an answer, after the model's thought."""
    min_decode_tokens_per_s: Rate | None = None
    enforced: EnforcedInfo | None = None
    note: str = ""
    """Caveat: what the budget does not stand for."""


class VerdictInfo(SaidPart):
    """Verdict on a candidate inside its budget.

    Where several verdicts apply the worst is given; they are named here worst first: `failed`,
    `out of memory`, `over vram`, `thrashes`, `too slow`, `not enforced`, `fits`.
    """

    verdict: str
    reason: str = ""
    """A sentence for people, with the figures that decided."""
    phase: str | None = None
    """Phase in which it failed or was killed."""
    oom_kills: Count | None = None
    """Processes that the kernel killed for memory, as the group counted them; None: no group."""
    refaulted_bytes: Bytes | None = None
    """File pages dropped for lack of room and read again, in the latency phase."""
    decode_tokens_per_s: Rate | None = None
    """Median of the workload with the longest prompt."""
    unlimited_decode_tokens_per_s: Rate | None = None
    """Decode speed without the memory limit, in the same batch; None where it was not needed."""
    unlimited_run: str | None = None
    """The run that this is of."""
    page_cache: str = ""
    """State of the weights before they were loaded, also where loading them was the end."""


class NoiseInfo(SaidPart):
    """Disturbance during the latency phase; None where the machine does not publish a counter."""

    others_cpus: Size | None = None
    """Average number of cores that processes not our own kept busy."""
    steal_share: Size | None = None
    """Stolen / (busy + stolen) CPU time: of what was wanted, how much the hypervisor kept."""
    psi_some_share: Size | None = None
    """Share of the time in which some task, our own included, waited for a core."""
    throttled_periods: Whole | None = None
    swapped_in_pages: Whole | None = None
    frequency_change: Score | None = None
    """(after - before) / before."""
    load_per_core: Size | None = None
    """Load average of the minute before, by the cores of the system."""
    before: dict[str, Any] = Field(default_factory=dict)
    """The machine's counters as read before the phase (`runners/measure/noise.py`)."""
    after: dict[str, Any] = Field(default_factory=dict)
    """The machine's counters as read after the phase."""


class ExecutorInfo(SaidPart):
    """Scheduler that ran the job on this machine, and what its own processes took of it."""

    name: str = ""
    version: str | None = None
    node: str | None = None
    """The node as the scheduler calls it."""
    processes: Whole | None = None
    """The scheduler's processes on this machine, before the job began."""
    rss_bytes: Size | None = None
    """Sum of their resident sets; shared pages count more than once."""
    cpus: Size | None = None
    """Average number of cores that they kept busy while idle."""


class ImportedInfo(SaidPart):
    """Origin of results that another harness measured."""

    source: str = Field(default="", alias="from")
    """The harness and its version; the key in the file is `from`."""
    files: list[str] = Field(default_factory=list)
    lacks: Any = None
    """Missing parts of the results, and the reason."""
    tokenizer: Any = None
    """Special tokens of the tokenizer, as far as the results name them."""
