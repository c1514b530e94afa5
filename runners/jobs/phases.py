"""The phases of a job, in their order: baseline, load, latency, scoring, generation.

The worker's high-water mark of memory is read and reset at each boundary. Nothing of ours runs
while the latency phase does: the parent is blocked on the worker's pipe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from runners.compute.budget_use import with_mapping
from runners.jobs.chat import ChatTemplateError, generation_items
from runners.jobs.journal import START
from runners.jobs.measured import Measured, Notify, Step, at_least, keep, restore, until_now
from runners.jobs.noise_floor import noise_floor, not_measured, probe
from runners.jobs.windows import Window, answers, score_item, windows
from runners.measure.energy import EnergyMeter
from runners.measure.memory import MemoryMark, MemorySampler, read_peak
from runners.measure.noise import cpu_seconds, noise_between, read_noise
from runners.worker import protocol, wire

WARMUPS = 1
"""Requests before the timed ones of a workload, stored apart."""

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.journal import Journal
    from runners.jobs.prepared import PreparedTask
    from runners.jobs.worker_process import WorkerProcess
    from runners.measure.group_usage import GroupMark
    from runners.records.record import Phase


def run_phases(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured,
    notify: Notify, group: GroupMark | None = None,
) -> None:  # fmt: skip
    """Drive the worker through its phases, filling `measured` as they end.

    Args:
        group: of the worker's control group, where it has one.

    Raises:
        RuntimeFailure: the candidate failed; `measured.phase` says where.
        KeyboardInterrupt: as it came.
    """
    measured.ready, measured.ready_s = worker.ready, worker.ready_s
    measured.resumed = len(journal.find(START))
    build = [worker.ready.runtime_version, worker.ready.runtime_build]
    if any(start.get("build") != build for start in journal.find(START)):
        journal.discard()
        measured.resumed = 0
    mark = Marks(process=MemoryMark(worker.pid), energy=EnergyMeter(), group=group)
    measured.energy = mark.energy
    with _phase("baseline", measured, mark, notify):
        pass
    journal.append({"kind": START, "build": build})
    with _phase("load", measured, mark, notify):
        started = time.perf_counter()
        path = str(job.weights.path) if job.weights.path else None
        settings = with_mapping(job.settings, allowed=measured.mmap)
        load = protocol.Load(path=path, settings=settings, extra_buffers=not job.proof.left_out)
        measured.loaded = worker.ask(load, protocol.Loaded)
        measured.load_s = time.perf_counter() - started - measured.loaded.checked_s
        if measured.loaded.root_pid is not None:
            worker.measure(measured.loaded.root_pid)
            mark.process.follow(worker.pid)
    if not restore(journal, measured):
        with _phase("latency", measured, mark, notify):
            _latency(job, worker, measured, notify)
        keep(journal, measured)
    if not job.scores:
        worker.close()
        return
    with MemorySampler(worker.pid) as sampler:
        try:
            _tasks(job, worker, journal, measured, mark, sampler, notify)
        finally:
            measured.series = [
                (round(s.at_s, 3), s.rss_bytes, s.anon_bytes, s.file_bytes) for s in sampler.series
            ]
    worker.close()
    if measured.unasked:
        raise ChatTemplateError("; ".join(measured.unasked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is read at each boundary between phases."""

    process: MemoryMark
    energy: EnergyMeter
    group: GroupMark | None


@contextmanager
def _phase(phase: Phase, measured: Measured, mark: Marks, notify: Notify) -> Iterator[None]:
    measured.phase = phase
    notify(Step(phase=phase))
    mark.energy.take()
    yield
    joules = mark.energy.take()
    measured.memory[phase] = mark.process.end_phase()
    if joules is not None and phase != "baseline":  # which began before the meter did
        measured.joules[phase] = joules
    if mark.group is not None:
        measured.group[phase] = mark.group.end_phase()


def _latency(job: Job, worker: WorkerProcess, measured: Measured, notify: Notify) -> None:
    own = [os.getpid()]
    before, cpu_before, started = read_noise(), cpu_seconds(own), time.perf_counter()
    for workload in job.suite.workloads:
        total = workload.prompt_tokens + workload.new_tokens
        if measured.loaded is not None and total > measured.loaded.context:
            measured.skipped.append(workload.name)
            continue
        asked_ns = time.perf_counter_ns()
        times = worker.ask(
            protocol.RunLatency(
                prompt_tokens=workload.prompt_tokens,
                new_tokens=workload.new_tokens,
                warmups=WARMUPS,
                repeats=job.suite.latency_repeats,
            ),
            protocol.LatencyTimes,
            _request_counter(workload.name, job.suite.latency_repeats + WARMUPS, notify),
        )
        measured.latency[workload.name] = times
        if measured.first_token_s is None:
            measured.first_token_s = (times.first_token_ns - asked_ns) / 1e9
    after = read_noise()
    measured.readings = {"before": asdict(before), "after": asdict(after)}
    measured.noise = noise_between(
        before,
        after,
        own_cpu_s=cpu_seconds(own) - cpu_before,
        elapsed_s=time.perf_counter() - started,
    )


def _request_counter(workload: str, total: int, notify: Notify) -> Callable[[int], None]:
    """Tells how many requests of a workload are answered; the worker says so between two."""

    def count(done: int) -> None:
        notify(Step(phase="latency", workload=workload, done=done, total=total))

    count(0)
    return count


def _tasks(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured,
    mark: Marks, sampler: MemorySampler, notify: Notify,
) -> None:  # fmt: skip
    kept = {event["digest"]: event for event in journal.find("window")}
    total = sum(len(task.items) for task in job.tasks)
    for phase, generates in (("scoring", False), ("generation", True)):
        tasks = [task for task in job.tasks if task.generates == generates]
        if not tasks:
            continue
        with _phase(phase, measured, mark, notify):  # type: ignore[arg-type]
            if not generates or (job.throughput and measured.engine is None):
                measured.engine = worker.ask(
                    protocol.OpenEngine(memory_bytes=job.engine_bytes),
                    protocol.EngineOpened,
                )
            for task in tasks:
                try:
                    asked = _windows(job, task, worker, measured)
                except ChatTemplateError as fault:
                    measured.unasked.append(str(fault))
                    continue
                for window in asked:
                    event = kept.get(window.digest)
                    if event is None:
                        event = _ask_window(
                            window, worker, measured, sampler, total, notify, generates=generates
                        )
                        journal.append(event)
                        mark.energy.add()
                    _take(window, event, measured)
            if not generates:
                _probe(job, worker, journal, measured, notify)
        before = [e["peak"] for e in kept.values() if e["phase"] == phase]
        if before:  # the energy of the processes before this one is not known
            measured.joules.pop(phase, None)  # type: ignore[call-overload]
        measured.memory[phase] = at_least(measured.memory[phase], before)  # type: ignore[index]


def _probe(
    job: Job, worker: WorkerProcess, journal: Journal, measured: Measured, notify: Notify
) -> None:
    """Score the probe's items again, plainly."""
    if not job.suite.probe_items:
        measured.noise_floor = not_measured(f"the suite {job.suite.name} asks for no probe")
        return
    items = {name: items for name, items in measured.items.items() if measured.replies[name]}
    groups = {task.loaded.name: task.loaded.group for task in job.tasks}
    chosen = probe(groups, items, most=job.suite.probe_items)
    if not chosen:
        measured.noise_floor = not_measured("the suite has no multiple-choice item")
        return
    kept = journal.find("probe")
    if not kept:
        total = len(chosen)

        def progress(answered: int) -> None:
            notify(Step(phase="scoring", task="noise floor", done=answered, total=total))

        progress(0)
        question = protocol.ScorePlain(items=[score_item(items[i.task][i.place]) for i in chosen])
        answer = worker.ask(question, protocol.Scored, progress)
        kept = [{"kind": "probe", "answer": wire.to_wire(answer)}]
        journal.append(kept[0])
    plain = wire.from_wire(kept[0]["answer"])
    if isinstance(plain, protocol.Scored):
        packed = [measured.replies[i.task][i.place] for i in chosen]
        measured.noise_floor = noise_floor(packed, plain.items)


def _windows(
    job: Job, task: PreparedTask, worker: WorkerProcess, measured: Measured
) -> Iterator[Window]:
    name, items = task.loaded.name, task.items
    if task.generates:
        # Made again for every candidate: lm-eval keeps one set of instances a task, and each
        # model has its own template.
        items = generation_items(job, task, worker, measured)
    measured.items[name] = items
    measured.replies[name], measured.answered[name] = [], []
    return windows(name, items, seed=job.suite.seed, packed=job.throughput)


def _ask_window(
    window: Window, worker: WorkerProcess, measured: Measured, sampler: MemorySampler,
    total: int, notify: Notify, *, generates: bool,
) -> dict[str, Any]:  # fmt: skip
    done = sum(len(replies) for replies in measured.replies.values())
    phase = measured.phase
    notify(Step(phase=phase, task=window.task, done=done, total=total))

    def progress(answered: int) -> None:
        notify(Step(phase=phase, task=window.task, done=done + answered, total=total))

    reply: protocol.Scored | protocol.Generated
    if generates:
        # Each token of a generation is timed: nothing is sampled meanwhile.
        reply = worker.ask(window.question, protocol.Generated, progress)
    else:
        sampler.resume()
        try:
            reply = worker.ask(window.question, protocol.Scored, progress)
        finally:
            sampler.pause()
    return {
        "kind": "window",
        "phase": phase,
        "digest": window.digest,
        "peak": read_peak(worker.pid).peak_bytes,
        "answer": wire.to_wire(reply),
    }


def _take(window: Window, event: dict[str, Any], measured: Measured) -> None:
    reply = wire.from_wire(event["answer"])
    items = measured.items[window.task]
    measured.memory[measured.phase] = until_now(measured, event["peak"])
    if isinstance(reply, protocol.Scored):
        measured.raw_tokens += reply.raw_tokens
        measured.distinct_tokens += reply.distinct_tokens
        measured.halved_to = reply.halved_to or measured.halved_to
        measured.scoring_s += reply.seconds
        measured.replies[window.task].extend(reply.items)
        measured.answered[window.task].extend(answers(window, items, reply))
    elif isinstance(reply, protocol.Generated):
        answered = answers(window, items, reply)
        texts = iter(reply.items)
        measured.replies[window.task].extend(
            [next(texts) for responses in item for _ in responses] for item in answered
        )
        measured.answered[window.task].extend(answered)
