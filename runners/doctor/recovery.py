"""Known amounts of memory and time, measured as a run's are: does the measuring find them here?

The runtime `fake` is told how much to allocate and how long to wait. It runs as any candidate
does, in a real worker through all of a job's phases, and the numbers are read from its record.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evals.suites import Suite, SuiteTask, Workload
from runners.candidates.spec import Candidate
from runners.candidates.weights import no_weights
from runners.compute.machine import machine
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.jobs.job import Job, Options
from runners.jobs.run import run_job
from runners.records.latency import median_of
from runners.records.record import Record
from runners.records.store import Store

MIB = 2**20
SPIKES = (8 * MIB, 32 * MIB, 256 * MIB)
MAPPED = 64 * MIB
TOKEN_S, FIRST_TOKEN_S, LOAD_S = 0.02, 0.2, 1.0
STARTS = 3
"""Cold starts without a delay, whose median stands for what starting takes anyway."""
SHARE = 0.02
SLACK: dict[str, float] = {"bytes": 2 * MIB, "s": 0.001}
"""The bar is this or `SHARE` of what is expected, whichever is more."""
TIMEOUT_S = 60.0
SUITE = Suite(
    name="doctor",
    tasks=(SuiteTask(task="none"),),  # a suite has one; none is loaded, and none is asked
    workloads=(Workload(prompt_tokens=8, new_tokens=17),),
    latency_repeats=3,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A known amount and what was measured of it."""

    name: str
    unit: Literal["bytes", "s"]
    expected: float
    measured: float | None
    """The measured amount; None where the run failed or this system does not tell."""
    why: str = ""
    """Possible disturbance, or the reason why there is no number."""

    @property
    def bar(self) -> float:
        """The greatest error that is accepted, in `unit`."""
        return max(SLACK[self.unit], SHARE * self.expected)

    @property
    def error(self) -> float | None:
        """Measured - expected, in `unit`."""
        return None if self.measured is None else self.measured - self.expected

    @property
    def ok(self) -> bool:
        """True if the measured amount lies within the bar of the expected one."""
        return self.error is not None and abs(self.error) <= self.bar


def recover_memory() -> Iterator[Recovery]:
    """Spikes that are touched and freed at once in the latency phase; a file that is mapped."""
    for size in SPIKES:
        record = probe(spike_bytes=size)
        yield _recovery(f"peak of {size // MIB} MiB", "bytes", size, record, _spike)
    with tempfile.NamedTemporaryFile(prefix="weighin-") as file:
        file.write(b"\x01" * MAPPED)
        file.flush()
        record = probe(map_file=file.name)
        yield _recovery(f"mapped file of {MAPPED // MIB} MiB", "bytes", MAPPED, record, _mapped)


def recover_times() -> Iterator[Recovery]:
    """Delays before the first token and between tokens; what delays add to a cold start."""
    record = probe(delay_first_token_s=FIRST_TOKEN_S, delay_per_token_s=TOKEN_S)
    yield _recovery("delay to the first token", "s", FIRST_TOKEN_S, record, _ttft)
    yield _recovery("delay per token", "s", TOKEN_S, record, _tpot)
    plain = [_cold_start(probe()) for _ in range(STARTS)]
    usual = statistics.median(s for s in plain if s is not None) if any(plain) else None

    def added(record: Record) -> float | None:
        start = _cold_start(record)
        return None if start is None or usual is None else start - usual

    record = probe(delay_load_s=LOAD_S, delay_first_token_s=FIRST_TOKEN_S)
    yield _recovery("delays of a cold start", "s", LOAD_S + FIRST_TOKEN_S, record, added)


def recover_served() -> Iterator[Recovery]:
    """Delays of the mock server, measured over HTTP; loop-back itself takes a little."""
    told = MockOptions(speaks=("llama-server",), first_token_s=FIRST_TOKEN_S, per_token_s=TOKEN_S)
    with mock_server(told) as server:
        content = {"name": "mock-server", "url": server.url}
        record = measured_alone(Candidate.model_validate(content))
    yield _recovery("mock server: first token", "s", FIRST_TOKEN_S, record, _ttft)
    yield _recovery("mock server: per token", "s", TOKEN_S, record, _tpot)


def probe(**told: Any) -> Record:
    """The record of a fake that is told this."""
    settings = {"fake": told, "threads": 1}
    content = {"name": "fake", "runtime": "fake", "settings": settings}
    return measured_alone(Candidate.model_validate(content))


def measured_alone(candidate: Candidate) -> Record:
    """The record of a candidate without weights, run on its own; nothing of it is kept."""
    job = Job(
        candidate=candidate,
        weights=no_weights(),
        suite=SUITE,
        tasks=(),
        machine=machine(),
        batch="doctor",
        repeat=0,
        position=0,
        jobs=1,
        engine_memory_bytes=0,
        scores=False,
    )
    with _scratch_store() as store:
        options = Options(store=store, command="weighin doctor", timeout_s=TIMEOUT_S)
        return run_job(job, options, lambda _step: None)


@contextmanager
def _scratch_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="weighin-") as folder:
        yield Store(Path(folder))


def _recovery(
    name: str, unit: Literal["bytes", "s"], expected: float, record: Record,
    read: Callable[[Record], float | None],
) -> Recovery:  # fmt: skip
    failed = record.error.message if record.error else ""
    noise = "; ".join(f"{f.name}: {f.detail}" for f in record.flags if f.level == "warning")
    measured = None if failed else read(record)
    unread = "" if failed or measured is not None else "this system does not tell"
    return Recovery(
        name=name, unit=unit, expected=expected, measured=measured, why=failed or unread or noise
    )


def _spike(record: Record) -> float | None:
    """The latency phase's peak above what was held when it began."""
    phases = record.memory.phases if record.memory else {}
    if "latency" not in phases or phases["load"].anon_bytes is None:
        return None
    return phases["latency"].peak_bytes - phases["load"].anon_bytes - _file(record, "load")


def _mapped(record: Record) -> float | None:
    """File-backed bytes that loading added."""
    phases = record.memory.phases if record.memory else {}
    if "load" not in phases or phases["load"].file_bytes is None:
        return None
    return _file(record, "load") - _file(record, "baseline")


def _file(record: Record, phase: Literal["baseline", "load"]) -> int:
    return (record.memory.phases[phase].file_bytes or 0) if record.memory else 0


def _ttft(record: Record) -> float | None:
    (workload,) = record.latency.values()
    return workload.ttft_s.p50


def _tpot(record: Record) -> float | None:
    (workload,) = record.latency.values()
    return median_of(workload.tpot_s)


def _cold_start(record: Record) -> float | None:
    return record.load.cold_start_s if record.load else None
