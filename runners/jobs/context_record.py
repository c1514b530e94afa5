"""Make the record's account of contexts: what answers cost at each length that tasks ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.jobs.measured import AnsweredWindow, Measured
from runners.jobs.own_contexts import why_not_asked
from runners.jobs.record_parts import summary_or_none
from runners.records.contexts import ContextInfo
from runners.records.latency import by_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evals.tasks.load import LoadedTask
    from runners.jobs.job import Job
    from runners.records.answers import SummaryInfo
    from runners.worker import protocol

PACKED = "answers were packed, several at a time"
ELSEWHERE = "the model runs elsewhere"
ONE_CONTEXT = "the runtime keeps one context, of the candidate's own length"
NO_MARK = "this machine keeps no high-water mark that can be begun anew"
NOT_TOLD = "the answers do not tell"


def contexts_info(job: Job, measured: Measured) -> dict[str, ContextInfo]:
    """Tasks and groups by name that need a context of some length, in the suite's order.

    Those that the candidate is asked are there once one of their items is answered.
    """
    found: dict[str, ContextInfo] = {}
    tasks = [task.loaded for task in job.tasks if task.loaded.context] if job.scores else []
    for group in dict.fromkeys(task.group for task in tasks):
        members = [task for task in tasks if task.group == group]
        reasons = [why for task in members if (why := why_not_asked(task, measured.model))]
        names = {task.name for task in members}
        windows = [one for one in measured.all(AnsweredWindow) if one.task in names]
        if reasons:
            found[group] = _asked(members).model_copy(update={"not_run": reasons[0]})
        elif windows:
            found[group] = _context(members, windows, job)
    return found


def _context(
    members: Sequence[LoadedTask], windows: Sequence[AnsweredWindow], job: Job
) -> ContextInfo:
    texts = [*_texts(windows)]
    prompts = [float(one.prompt_tokens) for one in texts if one.prompt_tokens]
    numbers = {"prompt_tokens": summary_or_none(prompts), **_times(texts)}
    why = PACKED if job.throughput else NOT_TOLD
    unknown = {name: why for name, value in numbers.items() if value is None}
    peak, no_peak = _peak(windows, job)
    opened = [one.context for one in windows if one.context is not None]
    return _asked(members).model_copy(
        update={
            **numbers,
            "opened": max(opened, default=None),
            "peak_bytes": peak,
            "unknown": unknown | ({"peak_bytes": no_peak} if no_peak else {}),
        }
    )


def _asked(members: Sequence[LoadedTask]) -> ContextInfo:
    """What a group's tasks need, and whether a score does without them."""
    return ContextInfo(
        tokens=max(task.context or 0 for task in members),
        optional=all(task.optional for task in members),
    )


def _times(texts: Sequence[protocol.ItemText]) -> dict[str, SummaryInfo | None]:
    """First token and speeds over all answers, by the names that a record has."""
    found: dict[str, list[float]] = {name: [] for name in by_request([], None)}
    for text in texts:
        if text.times is not None:
            for name, values in by_request([text.times], text.prompt_tokens).items():
                found[name] += values
    return {name: summary_or_none(values) for name, values in found.items()}


def _texts(windows: Sequence[AnsweredWindow]) -> Iterator[protocol.ItemText]:
    for window in windows:
        for reply in window.replies:
            yield from reply if isinstance(reply, list) else ()


def _peak(windows: Sequence[AnsweredWindow], job: Job) -> tuple[int | None, str]:
    """The largest peak in contexts of this length, or why there is none."""
    if job.elsewhere:
        return None, ELSEWHERE
    if job.throughput:
        return None, PACKED
    if "contexts" not in job.candidate.runtime_spec.can:
        return None, ONE_CONTEXT
    peaks = [one.peak_bytes for one in windows if one.alone and one.peak_bytes is not None]
    return (max(peaks), "") if len(peaks) == len(windows) else (None, NO_MARK)
