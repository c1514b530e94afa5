"""One candidate's part in a stage of a comparison with a given time: run, timed, stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from runners.batches.agenda import Agenda
from runners.batches.batch import Outcome
from runners.batches.pace import Pace, Stopwatch, timed_s
from runners.batches.telling import Telling
from runners.jobs.run import forget_stage, run_stage, store_stage
from runners.records.looks import LooksInfo
from runners.records.record import Record

if TYPE_CHECKING:
    import pyarrow

    from runners.batches.batch import OnStep
    from runners.batches.time_left import GivenTime
    from runners.batches.timed_journal import TimedJournal
    from runners.jobs.job import Job, Options
    from runners.jobs.measured import Notify, Step

WRITE_EVERY_S = 10.0
MOST_Z = 100.0
"""Where a look may spend nothing, no number of standard errors tells."""


class Stage(NamedTuple):
    """One candidate's answers at the end of a stage."""

    record: Record
    samples: pyarrow.Table | None
    anew: bool = True
    """True where an item was asked; False: an earlier process had answered all of them."""


@dataclass(slots=True, eq=False)
class Contestant:
    """A candidate that is left."""

    job: Job
    pace: Pace | None = None
    stages: dict[int, Stage] = field(default_factory=dict)
    """Its answers by stage."""

    @property
    def name(self) -> str:
        """Name of the candidate."""
        return self.job.candidate.name


class Stages:
    """Runs processes, tells of them, and stores what they leave."""

    def __init__(
        self,
        jobs: Sequence[Job],
        options: Options,
        kept: TimedJournal,
        clock: GivenTime,
        on_step: OnStep,
    ) -> None:
        self.agenda = Agenda.of(jobs[0].tasks)
        self._options, self._kept, self._clock, self._on_step = options, kept, clock, on_step
        self._telling = Telling(jobs, options, clock)
        self._begun_before = len(kept.stages)
        self._written_s = 0.0
        self._ended: deque[Outcome] = deque()
        self.interrupted = False

    def drained(self) -> Iterator[Outcome]:
        """Outcomes since this was asked last."""
        while self._ended:
            yield self._ended.popleft()

    def close(self, *, finished: bool) -> None:
        """End telling of the batch; what is not finished goes on later in the time that is left."""
        self._telling.finished = finished
        self._telling.close()
        if not finished:
            self._kept.time(self._clock.used_s)

    def answer(self, one: Contestant, job: Job, stage: int, within_s: float | None) -> Stage:
        """Have a candidate answer all stages so far; its pace is kept."""
        stages = self._kept.stages[: stage + 1]
        tasks = tuple(
            replace(task, stages=tuple(items[task.loaded.name] for items in stages))
            for task in job.tasks
        )
        staged = replace(job, tasks=tasks)
        watch = Stopwatch(now=self._clock.now, parts=self.agenda.parts)
        found = self._run(staged, within_s, watch.following(partial(self._told, staged)))
        before = stages[-2] if stage else {}
        new = {name: items - before.get(name, 0) for name, items in stages[-1].items()}
        # What an earlier process left half answered says nothing of the pace.
        known = one.pace is not None and stage < self._begun_before
        if found.record.status == "completed" and watch.answered and not known:
            pace = watch.pace(self.agenda.by_part(new), one.pace)
            # The times that an earlier process measured are in the record alone.
            one.pace = replace(pace, timed_s=pace.timed_s or timed_s(found.record))
            self._kept.pace(one.name, one.pace, self._clock.used_s)
        return found._replace(anew=watch.answered)

    def time(self, job: Job) -> bool:
        """Time the workloads in one more process; False where it did not come to its end."""
        if self._options.store.answered(job.key) is not None:
            return True
        found = self._run(job, self._clock.left_s, partial(self._told, job))
        if found.record.status == "completed":
            self.store(job, found)
            return True
        if found.record.status == "interrupted":
            self.interrupt(found)
        else:
            self.forget(job)
        return False

    def forget(self, job: Job) -> None:
        """Remove the journal of what came to no end before the time was over."""
        forget_stage(job, self._options)

    def store(self, job: Job, stage: Stage, looks: LooksInfo | None = None) -> Record:
        """Store a candidate's last answers, or a repeat's times; its journal goes."""
        record, store = stage.record, self._options.store
        stored = record.model_copy(
            update={
                "run_id": store.new_run_id(record.candidate.name, record.job.key),
                "job": record.job.model_copy(update={"looks": looks}),
            }
        )
        store_stage(job, self._options, stored, stage.samples)
        self._telling.ended(job, stored)
        self._ended.append(Outcome(record=stored, ran=True))
        return stored

    def interrupt(self, stage: Stage) -> None:
        """Store what there is; the journals stay, and the same command goes on."""
        self.interrupted = True
        self._options.store.add(stage.record, stage.samples)
        self._ended.append(Outcome(record=stage.record, ran=True))

    def _run(self, job: Job, within_s: float | None, notify: Notify) -> Stage:
        most = None if within_s is None else max(1.0, within_s)
        return Stage(*run_stage(job, replace(self._options, job_timeout_s=most), notify))

    def _told(self, job: Job, step: Step) -> None:
        self._telling.step(job, step)
        self._on_step(job, step)
        used_s = self._clock.used_s
        if step.phase != "latency" and used_s - self._written_s > WRITE_EVERY_S:
            self._written_s = used_s
            self._kept.time(used_s)
