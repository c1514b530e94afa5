"""Run a job's worker inside its budget, and see that the page cache does not defeat the limit."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from evals.errors import WeighinError
from runners.compute.budget_use import allowance
from runners.compute.limits import limited
from runners.compute.page_cache import describe, drop, resident_share
from runners.jobs.measured import Killed, PageCache
from runners.jobs.phases import run_phases
from runners.jobs.worker_process import WorkerProcess
from runners.measure.group_usage import GroupMark

if TYPE_CHECKING:
    from runners.compute.limits import Limit
    from runners.jobs.job import Job, Options
    from runners.jobs.journal import Journal
    from runners.jobs.measured import Measured, Notify


def work(job: Job, options: Options, journal: Journal, measured: Measured, notify: Notify) -> None:
    """Drive a worker through the job's phases, inside the job's budget where it has one.

    Raises:
        RuntimeFailure: the candidate failed; `measured` has all that was measured until then.
        MeasureError: its weights cannot be looked at.
        KeyboardInterrupt: as it came.
    """
    with ExitStack() as stack:
        limit = stack.enter_context(limited(allowance(job.budget)))
        measured.add(limit.held)
        measured.add(_prepare_page_cache(job, limit))
        group = None
        if limit.memory is not None:
            group = stack.enter_context(closing(GroupMark(limit.memory)))
        try:
            with WorkerProcess(
                job.candidate.runtime,
                threads=job.settings["threads"],
                timeout_s=options.timeout_s,
                within_s=options.job_timeout_s,
                limit=limit,
                starts_program=job.program is not None,
            ) as worker:
                run_phases(job, worker, journal, measured, notify, group)
        except WeighinError:
            if group is not None:
                measured.add(Killed(oom_kills=group.read().oom_kills))
            raise


def _prepare_page_cache(job: Job, limit: Limit) -> PageCache:
    """Under a memory limit, drop the weights from the page cache. Weights that stay are not mapped:
    a mapping would use pages that are charged to somebody else.
    """
    path = job.weights.path
    if path is None:
        return PageCache(state="no weights")
    if not job.weights.bytes:  # an app's code, which loads weights that are not known
        return PageCache(state="unknown")
    dropped = limit.held.memory is not None
    share = drop(path) if dropped else resident_share(path)
    return PageCache(state=describe(share), mmap=not dropped or share == 0)
