"""Tell beside the records where a batch stands, for the board and for whoever resumes it."""

from __future__ import annotations

import logging
import os
import shlex
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from runners.batches.time_left import time_left
from runners.records.progress import Progress, drop_dead, now, progress_file, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.batches.time_left import Left
    from runners.jobs.job import Job, Options
    from runners.jobs.measured import Step
    from runners.records.record import Record

WRITE_EVERY_S = 1.0
"""Written when a message arrives and never in between, as the terminal is: a thread of its own
would take time from the worker."""
_log = logging.getLogger("weighin")


class Telling:
    """One batch's file of progress. That it cannot be written stops no measurement."""

    def __init__(self, jobs: Sequence[Job], options: Options, left: Left | None = None) -> None:
        """Begin to tell.

        Args:
            jobs: of the batch.
            options: of the batch.
            left: tells the time left; None: estimated by what the batch has done.
        """
        self._jobs, self._options = jobs, options
        self._path = progress_file(options.store.root, jobs[0].batch)
        self._left = left or time_left(jobs)
        self._started_at = now()
        self._runs: list[str] = []
        self._finished: set[str] = set()
        self._at: tuple[Job, Step] | None = None
        self._written_s = 0.0
        self._file: int | None = None
        self.finished = False
        """False where something is left to resume, so that what is told of it stays."""
        self.interrupted = False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            drop_dead(options.store.root, [job.key for job in jobs])
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            _log.warning("%s: the board will not show this run (%s)", self._path, error.strerror)
            return
        with suppress(OSError):  # a file system without locks: then it lives while it is heard of
            take(self._file)

    def step(self, job: Job, step: Step) -> None:
        """A job has come to a phase, a task, or to more answered items."""
        moment = time.monotonic()
        self._left.step(job.position, step, moment)
        before, self._at = self._at, (job, step)
        same = before is not None and _place(*before) == _place(job, step)
        if same and moment - self._written_s < WRITE_EVERY_S:
            return
        self._written_s = moment
        self._write(self._left.seconds(job.position, moment))

    def ended(self, job: Job, record: Record) -> None:
        """A job has come to its record."""
        self._runs.append(record.run_id)
        if record.status == "interrupted":
            self.interrupted = True
        else:
            self._finished.add(job.key)
        self._write(self._left.seconds(job.position, time.monotonic()))

    def close(self) -> None:
        """Take it away where the batch has finished."""
        if self._file is None:
            return
        # While it is held, so that nobody takes it for dead; Windows removes no open file.
        self._remove()
        os.close(self._file)
        self._file = None
        self._remove()

    def _remove(self) -> None:
        if self.finished:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _write(self, left_s: float | None) -> None:
        if self._file is None or self._at is None:
            return
        with suppress(OSError, ValueError):  # a name too long, say
            line = self._told(*self._at, left_s).model_dump_json(exclude={"alive", "resumes"})
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, line.encode() + b"\n")

    def _told(self, job: Job, step: Step, left_s: float | None) -> Progress:
        return Progress(
            batch=job.batch,
            command=_resuming(self._options.command),
            started_at=self._started_at,
            heard_at=time.time(),
            jobs=job.jobs,
            position=job.position,
            candidate=job.candidate.name,
            repeat=job.repeat,
            phase=step.phase,
            task=step.task,
            workload=step.workload,
            done=step.done,
            total=step.total,
            unit=step.unit,
            left_s=left_s,
            runs=self._runs,
            keys=[one.key for one in self._jobs if one.key not in self._finished],
        )


def _place(job: Job, step: Step) -> tuple[object, ...]:
    return job.position, step.phase, step.task, step.workload


def _resuming(command: str) -> str:
    """The same command without --fresh, which would begin anew."""
    return shlex.join(word for word in shlex.split(command) if word != "--fresh")
