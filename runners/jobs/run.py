"""One job -> one record: measured in a worker of its own, whatever becomes of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from evals.errors import RuntimeFailure, WeighinError
from runners.compute.budget_use import without_memory
from runners.jobs.assemble import assemble
from runners.jobs.job import Job, Options
from runners.jobs.journal import STORED, JobBusyError, Journal
from runners.jobs.measured import Interrupted, Measured, Notify, Step, Unlimited
from runners.jobs.reference_logits import reference_logits
from runners.jobs.under_limit import work
from runners.jobs.user_level import why_no_users
from runners.jobs.verdict import may_thrash
from runners.jobs.worker_process import WorkerCrash
from runners.records.record import JobError, Record
from runners.runtimes.llamacpp.proven import refuse_broken

if TYPE_CHECKING:
    import pyarrow

INTERRUPTED = "interrupted; the same command without --fresh goes on where it stopped"
OUTDATED = "an unfinished run that another version of Weighin left cannot go on: measured anew"
JOURNAL_WAIT_S = 24 * 3600.0


def run_job(job: Job, options: Options, notify: Notify) -> Record:
    """Run one job to its end, whatever that is, and store its record.

    A candidate that fails is an ordinary outcome: its record says how, with all that was measured
    until then. An interrupted job keeps its journal, and the next run takes it up.

    Raises:
        RecordError: the store cannot be written, or another process has this job.
    """
    journal = _taken(job, options, notify)
    done = False
    try:
        # Another process may have finished it while this one waited for the journal.
        begun = journal.unfinished
        finished = None if options.fresh or begun else options.store.answered(job.key)
        if finished is not None:
            done = True
            return finished
        record, samples = _attempt(job, options, journal, notify)
        done = record.is_answer
        if done:
            # Before the record: a kill in between costs a second record, never a first one.
            journal.append({"kind": STORED})
        options.store.add(record, samples)
    finally:
        journal.close(done=done)
    return record


def run_stage(job: Job, options: Options, notify: Notify) -> tuple[Record, pyarrow.Table | None]:
    """Answer what a stage of a comparison with a given time asks, and keep all of it for the next.

    Returns:
        The record of what is answered until now, and its samples; neither is stored.

    Raises:
        RecordError: the store cannot be written, or another process has this job.
    """
    journal = _taken(job, replace(options, fresh=False), notify)
    try:
        return _attempt(job, options, journal, notify)
    finally:
        journal.close(done=False)


def store_stage(job: Job, options: Options, record: Record, samples: pyarrow.Table | None) -> None:
    """Store a job's last stage, after which it is asked no more; its journal goes.

    Raises:
        RecordError: the store cannot be written, or another process has this job.
    """
    journal = _taken(job, replace(options, fresh=False), lambda _step: None)
    try:
        options.store.add(record, samples)
    except BaseException:
        journal.close(done=False)
        raise
    journal.close(done=True)


def forget_stage(job: Job, options: Options) -> None:
    """Remove the journal of a job that will be asked no more and has no record.

    Raises:
        RecordError: another process has this job.
    """
    _taken(job, replace(options, fresh=False), lambda _step: None).close(done=True)


def _taken(job: Job, options: Options, notify: Notify) -> Journal:
    """The job's journal, once no other process has it."""
    journal = Journal(options.store.root, job.key)
    try:
        journal.open(fresh=options.fresh, wait_s=0)
    except JobBusyError:
        notify(Step(phase="waiting for another weighin that runs this job"))
        journal.open(fresh=options.fresh, wait_s=JOURNAL_WAIT_S)
    if journal.outdated:
        notify(Step(phase=OUTDATED, stays=True))
    return journal


def _attempt(
    job: Job, options: Options, journal: Journal, notify: Notify
) -> tuple[Record, pyarrow.Table | None]:
    """Measure what the journal lacks, and put all of it into a record."""
    measured = Measured()
    started = time.perf_counter()
    error = _measure(job, options, journal, measured, notify)
    return assemble(job, measured, error, options, seconds=time.perf_counter() - started)


def _measure(
    job: Job, options: Options, journal: Journal, measured: Measured, notify: Notify
) -> JobError | None:
    try:
        _refuse_what_it_cannot(job)
        refuse_broken(job.proof)
        if (logits := reference_logits(job, options, notify)) is not None:
            measured.add(logits)
        work(job, options, journal, measured, notify)
        _compare_with_unlimited(job, options, measured, notify)
    except KeyboardInterrupt:
        measured.add(Interrupted())
        return JobError(phase=measured.phase, message=INTERRUPTED)
    except WorkerCrash as error:
        return JobError(phase=measured.phase, message=str(error), traceback=error.traceback)
    except WeighinError as error:
        return JobError(phase=measured.phase, message=str(error))
    return None


def _refuse_what_it_cannot(job: Job) -> None:
    """Raise where the suite asks for more than the runtime may ever do, before it is started.

    Raises:
        RuntimeFailure: what that is; or the program that it starts is not here.
    """
    spec, most = job.candidate.runtime_spec, job.candidate.settings.most_items
    _ = job.program  # raises
    asked = {"generation" if task.generates else "scoring" for task in job.tasks if job.scores}
    if job.suite.workloads and job.times and not asked:
        asked.add("latency")  # beside tasks, workloads are left out where there can be none
    if job.users and job.times and (why := why_no_users(spec, job.suite)):
        raise RuntimeFailure(why)
    budget = job.budget
    if job.elsewhere and budget and (budget.memory_bytes is not None or budget.cpus is not None):
        raise RuntimeFailure(
            f"{job.candidate.name} runs behind a URL, where neither memory nor cores can be "
            "limited; leave the budget out, or limit times alone (--deadline-ttft, --min-decode)"
        )
    items = sum(len(task.items) for task in job.tasks) if job.scores else 0
    if most is not None and items > most:
        raise RuntimeFailure(
            f"{items} questions to an app that others run too (at most {most}): --limit N asks "
            "fewer, --max-items allows more"
        )
    if lacking := sorted(asked - spec.can):
        own = " or your own --questions FILE" if "generation" in spec.can else ""
        raise RuntimeFailure(
            f"runtime {spec.name} has no {' and no '.join(lacking)}, which suite {job.suite.name} "
            f"asks for; take a suite of {', '.join(sorted(spec.can))} alone{own}, or another "
            "runtime"
        )


def _compare_with_unlimited(job: Job, options: Options, measured: Measured, notify: Notify) -> None:
    """Run the timed phases without the memory limit where only that tells thrashing."""
    if job.budget is None or not may_thrash(measured.group.get("latency"), measured.weights_bytes):
        return
    free = replace(job, budget=without_memory(job.budget), scores=False, users=None, repeat=0)
    known = [options.store.answered(one.key) for one in (free, replace(free, scores=True))]
    stored = next((one for one in known if one and one.job.batch == job.batch), None)
    if stored is None:
        notify(Step(phase="the same without the limit, to tell thrashing"))
        stored = run_job(free, replace(options, fresh=True), notify)
    if stored.status == "interrupted":
        raise KeyboardInterrupt
    measured.add(Unlimited(record=stored))
