"""One job -> one record: a candidate on a suite, in a worker of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evals.errors import WeighinError
from evals.specs import Candidate, Suite
from evals.tasks import Item, LoadedTask
from runners.assemble import assemble
from runners.journal import JobBusyError, Journal
from runners.measure.machine import Machine
from runners.phases import Measured, Notify, Step, run_phases
from runners.record import JobError, Record, digest
from runners.store import Store
from runners.weights import Weights
from runners.worker_process import WorkerCrash, WorkerProcess

RUNTIME_PACKAGES = {"llamacpp": "llama-cpp-python", "fake": "weighin"}
INTERRUPTED = "interrupted; the same command goes on where it stopped"
JOURNAL_WAIT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTask:
    """A task and its items, the same for every candidate."""

    loaded: LoadedTask
    items: tuple[Item, ...]

    @property
    def generates(self) -> bool:
        """Whether its requests are generations, one prompt at a time."""
        return bool(self.items[0].instances[0].request_type == "generate_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How jobs of one batch are run."""

    store: Store
    command: str
    timeout_s: float
    keep_prompts: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Candidate x suite x repeat, on this machine."""

    candidate: Candidate
    weights: Weights
    suite: Suite
    tasks: Sequence[PreparedTask]
    machine: Machine
    batch: str
    repeat: int
    position: int
    jobs: int
    engine_memory_bytes: int
    """Bounds the engine's output rows, and with them how items are packed: other bits result."""
    scores: bool = True
    """Whether the tasks are answered; a repeat of the timed phases alone does not."""

    @property
    def settings(self) -> dict[str, Any]:
        """The runtime's settings as they will be used."""
        chosen = self.candidate.settings
        return {
            **chosen.model_dump(),
            "threads": chosen.threads or self.machine.usable_cpus,
        }

    @property
    def candidate_digest(self) -> str:
        """Of what would be shipped: weights, quantisation, runtime, its version, settings."""
        return digest([
            self.weights.sha256,
            self.weights.made_from,
            self.candidate.runtime,
            runtime_version(self.candidate.runtime),
            self.settings,
            self.candidate.chat_template,
        ])  # fmt: skip

    @property
    def suite_digest(self) -> str:
        """Of tasks, few-shot, seed, workloads and every item: what is asked, what is right."""
        tasks = [
            [
                [t.loaded.name, t.loaded.num_fewshot, t.loaded.metric, t.loaded.filter],
                [[i.identity, repr(i.target), _generation_arguments(i)] for i in t.items],
            ]
            for t in self.tasks
        ]
        workloads = [w.name for w in self.suite.workloads]
        return digest([tasks, self.suite.seed, workloads, self.suite.latency_repeats])

    @property
    def key(self) -> str:
        """What "already run" means."""
        return digest([
            self.candidate.name,
            self.candidate_digest,
            self.suite_digest,
            self.repeat,
            self.scores,
            self.engine_memory_bytes,
            self.machine.fingerprint,
            version("weighin").split(".")[0],
        ])  # fmt: skip


def _generation_arguments(item: Item) -> list[str]:
    """What an item's identity, which is made of texts, leaves out."""
    return [repr(a) for instance in item.instances for a in instance.args if isinstance(a, dict)]


def runtime_version(runtime: str) -> str:
    """The installed version of a runtime's package; empty when it is missing."""
    try:
        return version(RUNTIME_PACKAGES[runtime])
    except PackageNotFoundError:
        return ""


def run_job(job: Job, options: Options, notify: Notify) -> Record:
    """Run one job to its end, whatever that is, and store its record.

    A candidate that fails is an ordinary outcome: its record says how, with all that was measured
    until then. An interrupted job keeps its journal, and the next run takes it up.

    Raises:
        RecordError: the store cannot be written, or another process has this job.
    """
    journal = Journal(options.store.root, job.key)
    try:
        journal.open(fresh=options.fresh, wait_s=0)
    except JobBusyError:
        notify(Step(phase="waiting for another weighin that runs this job"))
        journal.open(fresh=options.fresh, wait_s=JOURNAL_WAIT_S)
    done = False
    try:
        # Another process may have finished it while this one waited for the journal.
        finished = None if options.fresh else options.store.completed(job.key)
        if finished is not None:
            done = True
            return finished
        measured = Measured()
        started = time.perf_counter()
        error = _measure(job, options, journal, measured, notify)
        record, samples = assemble(
            job, measured, error, options, seconds=time.perf_counter() - started
        )
        options.store.add(record, samples)
        done = record.status == "completed"
    finally:
        journal.close(done=done)
    return record


def _measure(
    job: Job, options: Options, journal: Journal, measured: Measured, notify: Notify
) -> JobError | None:
    try:
        with WorkerProcess(
            job.candidate.runtime,
            threads=job.settings["threads"],
            timeout_s=options.timeout_s,
        ) as worker:
            run_phases(job, worker, journal, measured, notify)
    except KeyboardInterrupt:
        measured.interrupted = True
        return JobError(phase=measured.phase, message=INTERRUPTED)
    except WorkerCrash as error:
        return JobError(phase=measured.phase, message=str(error), traceback=error.traceback)
    except WeighinError as error:
        return JobError(phase=measured.phase, message=str(error))
    return None
