"""The last phase: several users at once, level by level, each kept in the journal as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from evals.errors import MeasureError, RuntimeFailure
from runners.jobs.disturbance import disturbance
from runners.jobs.measured import Begun, Step
from runners.jobs.user_level import UsersLevel, fixed_workloads, no_answer
from runners.jobs.worker_process import WorkerCrash
from runners.worker import protocol, wire

if TYPE_CHECKING:
    from evals.suites import Workload
    from runners.jobs.job import Job
    from runners.jobs.journal import Journal
    from runners.jobs.marks import Marks
    from runners.jobs.measured import Measured, Notify
    from runners.jobs.worker_process import WorkerProcess

KIND = "users"
"""Kind of the journal's event: a level that was measured to its end."""


def serve_users(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured, marks: Marks,
    notify: Notify,
) -> None:  # fmt: skip
    """Measure each number of users that is asked for, in ascending order.

    A level that an earlier process measured is taken from the journal. One that the server does not
    survive, or answers nothing of, says so, and no greater one is tried; what was measured before
    it stands.

    Raises:
        WorkerCrash: the worker died.
    """
    if job.users is None or not job.times:
        return
    measured.add(Begun(phase="users"))
    workloads = fixed_workloads(job.suite, measured.model.context if measured.model else None)
    kept = {level.users: level for level in map(_of_event, journal.find(KIND)) if level}
    for users in job.users.levels:
        level = kept.get(users)
        if level is None:
            level = _level(_question(job, users, workloads), worker, marks, notify)
            if not level.error:
                journal.append({"kind": KIND, "level": asdict(level)})
        measured.add(level)
        if level.error:
            return


def _level(
    question: protocol.RunUsers, worker: WorkerProcess, marks: Marks, notify: Notify
) -> UsersLevel:
    level = UsersLevel(users=question.users)
    count = _counter(question, notify)
    _begin_marks(marks)
    try:
        opened = worker.ask(protocol.OpenUsers(users=question.users), protocol.UsersOpened)
        level = replace(level, opened=opened)
        if opened.root_pid is not None and opened.ready_s is not None:
            worker.measure(opened.root_pid)
            marks.process.follow(worker.pid)
        with disturbance() as found:
            times = worker.ask(question, protocol.UsersTimes, count)
        noise = found.noise
        level = replace(
            level,
            times=times,
            others_cpus=noise.others_cpus if noise else None,
            error=no_answer(times),
        )
    except WorkerCrash:
        raise
    except RuntimeFailure as error:
        level = replace(level, error=str(error))
    return _with_memory(level, marks)


def _begin_marks(marks: Marks) -> None:
    """Begin the high-water marks of memory anew."""
    with suppress(MeasureError):  # the server is gone, which the level will say
        marks.process.end_phase()
    if marks.group is not None:
        marks.group.end_phase()


def _with_memory(level: UsersLevel, marks: Marks) -> UsersLevel:
    group = marks.group.end_phase() if marks.group is not None else None
    if level.error and group is not None and group.oom_kills:
        level = replace(level, error=f"killed for memory at the budget's limit: {level.error}")
    memory = None
    with suppress(MeasureError):
        memory = marks.process.end_phase()
    return replace(
        level, memory=memory, group_peak_bytes=group.peak_bytes if group is not None else None
    )


def _question(job: Job, users: int, workloads: Sequence[Workload]) -> protocol.RunUsers:
    return protocol.RunUsers(
        users=users,
        seconds=job.users.seconds if job.users else 0.0,
        workloads=[
            (one.prompt_tokens, one.new_tokens)
            for one in workloads
            if isinstance(one.prompt_tokens, int)
        ],
        seed=job.suite.seed,
    )


def _counter(question: protocol.RunUsers, notify: Notify) -> Callable[[int], None]:
    """Tells how many seconds of a level have passed; the worker says so when requests end."""
    total = round(question.seconds)
    step = Step(phase="users", workload=f"{question.users} at once", total=total, unit="s")

    def count(done: int) -> None:
        notify(replace(step, done=min(done, total)))

    count(0)
    return count


def _of_event(event: dict[str, object]) -> UsersLevel | None:
    """A level as the journal keeps it; None where it is damaged, or tells nothing."""
    try:
        level = wire.rebuilt(UsersLevel, event["level"])
    except (wire.WireError, KeyError):
        return None
    return None if level.times is not None and no_answer(level.times) else level
