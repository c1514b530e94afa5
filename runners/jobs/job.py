"""One job -> one record: a candidate on a suite, in a worker of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

from evals.errors import WeighinError
from evals.specs import Budget, Candidate, Suite
from evals.tasks.load import Item, LoadedTask
from runners.candidates.weights import Weights
from runners.compute.budget_use import engine_bytes, threads, without_memory
from runners.compute.machine import Machine
from runners.jobs.assemble import assemble
from runners.jobs.journal import STORED, JobBusyError, Journal
from runners.jobs.measured import Measured, Notify, Step
from runners.jobs.suite_digest import suite_digest
from runners.jobs.under_limit import work
from runners.jobs.verdict import may_thrash
from runners.jobs.worker_process import WorkerCrash
from runners.records.identity import candidate_digest, chosen_settings, digest
from runners.records.record import JobError, Record
from runners.records.store import Store
from runners.runtimes.build import runtime_build
from runners.runtimes.llamacpp.prove import Proof
from runners.runtimes.llamacpp.proven import UNTRIED, refuse_broken

INTERRUPTED = "interrupted; the same command without --fresh goes on where it stopped"
PROSE = {"description", "source"}
"""The keys of a budget that limit nothing."""
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
    job_timeout_s: float | None = None
    """A worker that takes longer in all is ended; None: it may take as long as it answers."""


@dataclass(frozen=True, kw_only=True)  # no slots: the digests are worked out once
class Job:
    """Candidate x suite x budget x repeat, on this machine."""

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
    """Bounds the engine, and with it how items are packed: other bits result."""
    scores: bool = True
    """Whether the tasks are answered; a repeat of the timed phases alone does not."""
    throughput: bool = False
    """Pack generations, several at a time, and time none of them."""
    budget: Budget | None = None
    proof: Proof = UNTRIED
    """What the runtime's build can be used for on this processor."""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The runtime's settings as they will be used."""
        chosen = self.candidate.settings
        return {
            **chosen.of(self.candidate.runtime),
            "threads": chosen.threads or threads(self.machine.usable_cpus, self.budget),
        }

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """The settings that someone chose, defaults left out."""
        candidate = self.candidate
        return chosen_settings(
            candidate.settings, candidate.chat_template, self.weights.trained_context
        )

    @cached_property
    def candidate_digest(self) -> str:
        """Digest of what would be shipped: weights, runtime, chosen settings; on every machine."""
        return candidate_digest(self.weights.sha256, self.candidate.runtime, self.chosen)

    @cached_property
    def suite_digest(self) -> str:
        """Of what is asked and how answers are scored (runners/jobs/suite_digest.py)."""
        return suite_digest(self.suite, self.tasks)

    @cached_property
    def key(self) -> str:
        """What "already run" means: the same candidate, asked the same, under the same conditions
        (the runtime's build and what converted the weights, threads, machine, budget).
        """
        return digest([
            self.candidate.name,
            self.candidate_digest,
            [self.weights.made_from, runtime_build(self.candidate.runtime)],
            self.settings["threads"],
            self.suite_digest,
            self.repeat,
            self.scores,
            self.engine_bytes,
            self.suite.probe_items,
            self.machine.fingerprint,
            *(["throughput"] if self.throughput else []),
            *([f"without {self.proof.left_out}"] if self.proof.left_out else []),
            # Until 1.0 a minor version may pack items otherwise, and so give other bits.
            version("weighin").split(".")[:2],
            *([self.budget.model_dump(exclude=PROSE)] if self.budget else []),
        ])  # fmt: skip

    @property
    def engine_bytes(self) -> int:
        """What the engine may take: under a budget perhaps less than asked."""
        return engine_bytes(self.engine_memory_bytes, self.budget, self.weights.bytes)


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
        begun = journal.unfinished
        finished = None if options.fresh or begun else options.store.answered(job.key)
        if finished is not None:
            done = True
            return finished
        measured = Measured()
        started = time.perf_counter()
        error = _measure(job, options, journal, measured, notify)
        record, samples = assemble(
            job, measured, error, options, seconds=time.perf_counter() - started
        )
        done = record.is_answer
        if done:
            # Before the record: a kill in between costs a second record, never a first one.
            journal.append({"kind": STORED})
        options.store.add(record, samples)
    finally:
        journal.close(done=done)
    return record


def _measure(
    job: Job, options: Options, journal: Journal, measured: Measured, notify: Notify
) -> JobError | None:
    try:
        refuse_broken(job.proof)
        work(job, options, journal, measured, notify)
        _compare_with_unlimited(job, options, measured, notify)
    except KeyboardInterrupt:
        measured.interrupted = True
        return JobError(phase=measured.phase, message=INTERRUPTED)
    except WorkerCrash as error:
        return JobError(phase=measured.phase, message=str(error), traceback=error.traceback)
    except WeighinError as error:
        return JobError(phase=measured.phase, message=str(error))
    return None


def _compare_with_unlimited(job: Job, options: Options, measured: Measured, notify: Notify) -> None:
    """Run the timed phases without the memory limit where only that tells thrashing."""
    if job.budget is None or not may_thrash(measured.group.get("latency"), measured.weights_bytes):
        return
    free = replace(job, budget=without_memory(job.budget), scores=False, repeat=0)
    known = [options.store.answered(one.key) for one in (free, replace(free, scores=True))]
    stored = next((one for one in known if one and one.job.batch == job.batch), None)
    if stored is None:
        notify(Step(phase="the same without the limit, to tell thrashing"))
        stored = run_job(free, replace(options, fresh=True), notify)
    if stored.status == "interrupted":
        raise KeyboardInterrupt
    measured.unlimited = stored
