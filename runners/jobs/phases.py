"""The phases of a job in order: baseline, load, latency, scoring, generation, divergence, users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runners.jobs.chat import ChatTemplateError
from runners.jobs.device_reading import watched_device
from runners.jobs.disturbance import disturbance
from runners.jobs.divergence_phase import diverge
from runners.jobs.journal import START
from runners.jobs.latency_phase import time_workloads
from runners.jobs.loading import load_question
from runners.jobs.marks import Marks
from runners.jobs.measured import (
    LoadedModel,
    Measured,
    Metered,
    Notify,
    Resumed,
    Sampled,
    Started,
    Step,
    UnaskedTask,
)
from runners.jobs.resuming import keep, restore
from runners.jobs.scoring_phase import Asking, answer_tasks
from runners.jobs.users_phase import serve_users
from runners.measure.energy import EnergyMeter
from runners.measure.memory import MemoryMark, MemorySampler
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.journal import Journal
    from runners.jobs.worker_process import WorkerProcess
    from runners.measure.group_usage import GroupMark
SERVER = "server"
"""Kind of the journal's event that says who answers."""
OTHER_SERVER = "another model answers there than in the unfinished run: measured anew"


def run_phases(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured,
    notify: Notify, group: GroupMark | None = None,
) -> None:  # fmt: skip
    """Drive the worker through its phases, appending to `measured` as each ends.

    Args:
        group: of the worker's control group, where it has one.

    Raises:
        RuntimeFailure: the candidate failed; `measured.phase` says where.
        KeyboardInterrupt: as it came.
    """
    measured.add(Started(ready=worker.ready, ready_s=worker.ready_s))
    meter = EnergyMeter()
    # Of a program that the worker starts, that alone is measured, from its first moment on.
    root = None if job.program else worker.pid
    try:
        with watched_device(job, worker) as device:
            marks = Marks(process=MemoryMark(root), energy=meter, group=group, device=device)
            running = _Running(
                job=job, worker=worker, journal=journal, measured=measured, marks=marks,
                notify=notify,
            )  # fmt: skip
            running.begin()
            running.load()
            if job.times and (job.workloads or not job.suite.workloads):
                running.time()
            if job.scores:
                running.answer()
                running.diverge()
            serve_users(job, worker, journal, measured, marks, notify)
    finally:
        measured.add(Metered(source=meter.source, reason=meter.reason))
    worker.close()
    if unasked := measured.all(UnaskedTask):
        raise ChatTemplateError("; ".join(one.reason for one in unasked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """Objects that the phases of one job share."""

    job: Job
    worker: WorkerProcess
    journal: Journal
    measured: Measured
    marks: Marks
    notify: Notify

    def begin(self) -> None:
        """Take up the journal, unless its processes had another build of the runtime."""
        ready = self.worker.ready
        build = [ready.runtime_version, ready.runtime_build]
        starts = self.journal.find(START)
        if any(start.get("build") != build for start in starts):
            self.journal.discard()
            starts = []
        self.measured.add(Resumed(times=len(starts)))
        with self.marks.phase("baseline", self.measured, self.notify):
            pass
        self.journal.append({"kind": START, "build": build})

    def load(self) -> None:
        """Load the weights."""
        with self.marks.phase("load", self.measured, self.notify):
            started = time.perf_counter()
            mmap = self.measured.page_cache.mmap
            load = load_question(self.job, mmap=mmap, inside=self.worker.limited)
            model = self.worker.ask(load, protocol.Loaded)
            load_s = time.perf_counter() - started - model.checked_s
            self.measured.add(LoadedModel(model=model, load_s=load_s))
            if model.server is not None:
                self._same_server(model.server)
            if model.root_pid is not None:
                self.worker.measure(model.root_pid)
                self.marks.process.follow(self.worker.pid)
            if self.marks.device is not None:
                self.marks.device.follow(model.offloaded)

    def _same_server(self, server: protocol.ServerSaid) -> None:
        """Forget the journal where another server, or another model, answered until now."""
        now = [server.kind, server.version, server.model, server.answers]
        if any(event.get("server") != now for event in self.journal.find(SERVER)):
            start = self.journal.find(START)[-1]
            self.journal.discard()
            self.journal.append(start)
            self.measured.add(Resumed(times=0))
            self.notify(Step(phase=OTHER_SERVER, stays=True))
        self.journal.append({"kind": SERVER, "server": now})

    def time(self) -> None:
        """Time the workloads, unless an earlier process did."""
        if restore(self.journal, self.measured):
            return
        with self.marks.phase("latency", self.measured, self.notify):
            time_workloads(self.job, self.worker, self.measured, self.notify)
        keep(self.journal, self.measured)

    def diverge(self) -> None:
        """Hold the logits of a fixed text against a reference's, where there is one."""
        diverge(self.job, self.worker, self.journal, self.measured, self.marks, self.notify)

    def answer(self) -> None:
        """Have the tasks answered, the memory curve drawn meanwhile."""
        with MemorySampler(self.worker.pid) as sampler:
            asking = Asking(
                job=self.job,
                worker=self.worker,
                journal=self.journal,
                measured=self.measured,
                marks=self.marks,
                sampler=sampler,
                notify=self.notify,
            )
            try:
                with self._watched():
                    answer_tasks(asking)
            finally:
                series = [
                    (round(s.at_s, 3), s.rss_bytes, s.anon_bytes, s.file_bytes)
                    for s in sampler.series
                ]
                self.measured.add(Sampled(series=series))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note what else the machine did, where answers are all that is timed."""
        if self.job.workloads or not self.job.times or self.job.elsewhere:
            yield
            return
        with disturbance() as found:
            yield
        self.measured.add(found.timed({}, [], None))
