"""The phases in which tasks are answered: scoring and generation, window by window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runners.jobs.chat import ChatTemplateError, asked_task
from runners.jobs.measured import (
    AnsweredWindow,
    AskedTask,
    Measured,
    Notify,
    Probed,
    Step,
    UnaskedTask,
)
from runners.jobs.noise_floor import choices, noise_floor, not_measured, probe
from runners.jobs.own_contexts import (
    OpenedContext,
    asked_tasks,
    close_context,
    open_context,
    opens_its_own,
)
from runners.jobs.windows import Window, answers, score_item, windows
from runners.measure.memory import peak_so_far
from runners.worker import protocol, wire

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from runners.jobs.job import Job
    from runners.jobs.journal import Journal
    from runners.jobs.marks import Marks
    from runners.jobs.prepared import PreparedTask
    from runners.jobs.worker_process import WorkerProcess
    from runners.measure.memory import MemorySampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Objects needed to ask a worker the tasks of a job."""

    job: Job
    worker: WorkerProcess
    journal: Journal
    measured: Measured
    marks: Marks
    sampler: MemorySampler
    notify: Notify


def answer_tasks(asking: Asking) -> None:
    """Ask every task: first those that are scored, then those that are generated.

    What the journal has of an earlier process is taken from there.

    Raises:
        RuntimeFailure: the candidate failed.
    """
    job, measured = asking.job, asking.measured
    tasks = [*asked_tasks(job, measured.model)]
    scored = [task for task in tasks if not task.generates]
    generated = [task for task in tasks if task.generates]
    if scored:
        with asking.marks.phase("scoring", measured, asking.notify):
            _open_engine(asking)
            for task in scored:
                _ask_task(asking, task)
            measured.add(_probe(asking))
    if generated:
        with asking.marks.phase("generation", measured, asking.notify):
            if job.throughput and measured.last(protocol.EngineOpened) is None:
                _open_engine(asking)
            for task in generated:
                _ask_task(asking, task)


def _ask_task(asking: Asking, task: PreparedTask) -> None:
    """Build a task's prompts and have them answered; a template that fails leaves the others."""
    try:
        asked = asked_task(asking.job, task, asking.worker, asking.measured)
    except ChatTemplateError as fault:
        asking.measured.add(UnaskedTask(reason=str(fault)))
    else:
        _answer(asking, task, asked)


def _open_engine(asking: Asking) -> None:
    question = protocol.OpenEngine(memory_bytes=asking.job.engine_bytes)
    asking.measured.add(asking.worker.ask(question, protocol.EngineOpened))


def _answer(asking: Asking, task: PreparedTask, asked: AskedTask) -> None:
    """Take or ask a task's windows, in order; each is journalled as it is answered."""
    asking.measured.add(asked)
    kept = {event["digest"]: event for event in asking.journal.find("window")}
    _enter_context(asking, task, asked, kept)
    for window in _windows(asking.job, asked):
        event = kept.get(window.digest)
        if event is None:
            event = _ask_window(asking, window, generates=task.generates)
            asking.journal.append(event)
            asking.marks.energy.add()
        asking.measured.add(_answered(asking, window, event, kept=window.digest in kept))


def _enter_context(
    asking: Asking, task: PreparedTask, asked: AskedTask, kept: Collection[str]
) -> None:
    """Open the context that a task's remaining windows are answered in, where it needs its own."""
    job, measured, worker = asking.job, asking.measured, asking.worker
    if opens_its_own(job, task):
        left = [one for one in _windows(job, asked) if one.digest not in kept]
        if left:
            mark = asking.marks.process
            measured.add(open_context(task, left, measured.phase, worker, mark))
    elif task.generates and measured.model is not None:
        opened = close_context(worker, measured.last(OpenedContext), measured.model.context)
        if opened is not None:
            measured.add(opened)


def _probe(asking: Asking) -> Probed:
    """Score the probe's items again, plainly."""
    job, measured = asking.job, asking.measured
    if job.comparison:
        return Probed(floor=not_measured("a comparison with a given time spends it on items"))
    if not job.suite.probe_items:
        return Probed(floor=not_measured(f"the suite {job.suite.name} asks for no probe"))
    tasks = measured.tasks
    items = {name: task.asked.items for name, task in tasks.items() if task.replies}
    groups = {task.loaded.name: task.loaded.group for task in job.tasks}
    chosen = probe(groups, items, most=job.suite.probe_items)
    if not chosen:
        return Probed(floor=not_measured("the suite has no multiple-choice item"))
    asked = [items[one.task][one.place] for one in chosen]
    plain = _score_plainly(asking, asked)
    packed = [tasks[one.task].replies[one.place] for one in chosen]
    by_place: dict[str, dict[int, protocol.ItemScore]] = {}
    for one, score in zip(chosen, plain, strict=True):
        by_place.setdefault(one.task, {})[one.place] = score
    return Probed(floor=noise_floor(packed, plain, [*map(choices, asked)]), plain=by_place)


def _score_plainly(asking: Asking, items: Sequence[Item]) -> list[protocol.ItemScore]:
    """One sequence at a time, each from an empty cache; from the journal where it has them."""
    kept = asking.journal.find("probe")
    if kept:
        answer = wire.from_wire(kept[0]["answer"])
        return answer.items if isinstance(answer, protocol.Scored) else []

    def progress(answered: int) -> None:
        asking.notify(Step(phase="scoring", task="noise floor", done=answered, total=len(items)))

    progress(0)
    question = protocol.ScorePlain(items=[score_item(item) for item in items])
    scored = asking.worker.ask(question, protocol.Scored, progress)
    asking.journal.append({"kind": "probe", "answer": wire.to_wire(scored)})
    return scored.items


def _windows(job: Job, asked: AskedTask) -> Iterator[Window]:
    return windows(
        asked.name,
        asked.items,
        seed=job.suite.seed,
        packed=job.throughput,
        how=asked.how,
        ends=asked.stages,
    )


def _ask_window(asking: Asking, window: Window, *, generates: bool) -> dict[str, Any]:
    measured, worker = asking.measured, asking.worker
    total = sum(task.count for task in asked_tasks(asking.job, measured.model))
    done = sum(len(one.replies) for one in measured.all(AnsweredWindow))
    phase = measured.phase

    def progress(answered: int) -> None:
        asking.notify(Step(phase=phase, task=window.task, done=done + answered, total=total))

    progress(0)
    reply: protocol.Scored | protocol.Generated
    if generates:
        # Each token of a generation is timed: nothing is sampled meanwhile.
        reply = worker.ask(window.question, protocol.Generated, progress)
    else:
        asking.sampler.resume()
        try:
            reply = worker.ask(window.question, protocol.Scored, progress)
        finally:
            asking.sampler.pause()
    if asking.marks.device is not None:
        asking.marks.device.look()
    opened = measured.last(OpenedContext)
    own = opened if opened is not None and opened.task == window.task else None
    return {
        "kind": "window",
        "context": own.tokens if own else None,
        "alone": own is not None and own.alone,
        "phase": phase,
        "digest": window.digest,
        "peak": peak_so_far(worker.pid),
        "answer": wire.to_wire(reply),
    }


def _answered(
    asking: Asking, window: Window, event: dict[str, Any], *, kept: bool
) -> AnsweredWindow:
    reply = wire.from_wire(event["answer"])
    if not isinstance(reply, protocol.Scored | protocol.Generated):
        raise wire.WireError(f"a window was answered by {type(reply).__name__}")
    asked = next(t for t in reversed(asking.measured.all(AskedTask)) if t.name == window.task)
    answered = answers(window, asked.items, reply)
    replies: list[Any] = list(reply.items)
    if isinstance(reply, protocol.Generated):
        texts = iter(reply.items)
        replies = [[next(texts) for responses in item for _ in responses] for item in answered]
    return AnsweredWindow(
        phase=asking.measured.phase,
        task=window.task,
        reply=reply,
        replies=replies,
        answers=answered,
        peak_bytes=event["peak"],
        kept=kept,
        context=event.get("context"),
        alone=event.get("alone", False),
    )
