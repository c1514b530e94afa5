"""Reasons to qualify answers by how they were asked for and where they ended, one rule each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING

from runners.records.parts import FlagInfo

if TYPE_CHECKING:
    from runners.jobs.seen import Seen
    from runners.records.record import Record

UNREAD = "unread"
"""Metric of tasks whose answers are read for a choice or a number: 1 where there is none."""
CUT_SHARE = 0.05
"""Share of a task's answers from which it matters that their most tokens ended them."""


def _chat(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if not seen.generates or seen.chat_template is None:
        return
    settings = record.candidate.settings
    off = settings.get("chat_template") == "off"
    if seen.chat_template and off:
        detail = "the weights carry one, and the candidate turns it off"
        yield _warning("chat template overridden", detail)
    elif not seen.chat_template and not off:
        detail = "the weights carry none, so that generation tasks were asked in plain text"
        yield _warning("chat template missing", detail)
    if not seen.chat_template and (settings.get("chat_system") or settings.get("chat_args")):
        detail = "the weights carry no template that the system text or the arguments could go into"
        yield _warning("system message left out", detail)


def _system(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    """Flag for system messages that a chat template leaves out, as lm-eval's `hf` does silently."""
    for task, (without, n) in seen.without_system.items():
        if without:
            detail = f"{task}: the chat template shows none in {without} of {n} prompts"
            yield _warning("system message left out", detail)


def _unused(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    """Flag for a misspelt argument, or a server whose own template it does not reach."""
    if seen.unused:
        detail = f"the chat template does not know {', '.join(seen.unused)}"
        yield _warning("template arguments without effect", detail[:400])


def _recommended(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if seen.recommends_none:
        detail = "the model's files recommend none: answers were chosen as the tasks say"
        yield _warning("no recommended sampling", detail)
    if seen.recommends:
        said = ", ".join(f"{name} {value}" for name, value in seen.recommends.items())
        taken = record.candidate.settings.get("sampling") == "recommended"
        instead = "Weighin cannot do that" if taken else "answers are chosen as the tasks say"
        detail = f"the model's files ask for {said}; {instead}"
        yield _warning("generation settings not taken over", detail[:400])


def _thought_cut(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for task, told in record.answers.items():
        if told.thought_cut:
            detail = (
                f"{task}: {told.thought_cut} of {told.n} thoughts had not ended, so that there "
            )
            detail += "is no answer: raise reasoning.max_tokens, or settings.context"
            yield _warning("thought cut", detail)


def _answers_cut(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    for task, told in record.answers.items():
        if told.cut and told.cut >= CUT_SHARE * told.n:
            detail = f"{task}: {told.cut} of {told.n} ended by the most tokens that the task "
            yield _warning("answers cut", f"{detail}allows: --gen max_gen_toks=N raises it")


def _asked_of(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if seen.asked_of:
        yield _note("asked", f"{seen.asked_of}; no fixed workloads: what it writes cannot be set")


def _app_errors(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for task, (failed, n) in seen.failed.items():
        if failed:
            detail = f"{task}: {failed} of {n} answers were an error of the app or server: wrong"
            yield _warning("app errors", detail)


def _unscorable(record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for task, faults in seen.unscorable.items():
        n = record.accuracy[task].n
        detail = f"{task}: its scorer failed on {len(faults)} of {n} answers, which count as wrong "
        yield _warning("scorer failed", f"{detail}(the first: {faults[0]})"[:400])


def _queue(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if not seen.queued:
        return
    typical = median(seconds for seconds, _ in seen.queued)
    yield _note(
        "queue",
        f"{typical:.3f} s (median) of each wait for first words passed before the app began to "
        "work: its queue, and the way there",
    )
    behind = [seconds for seconds, ahead in seen.queued if ahead]
    if behind:
        detail = (
            f"others' requests stood before {len(behind)} of {len(seen.queued)} questions, which "
            f"waited up to {max(behind):.1f} s: part of the times, and no property of the app"
        )
        yield _warning("waited in a queue", detail)


def _not_run(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Flag for tasks without which the suite has no score."""
    for name, told in record.contexts.items():
        if told.not_run and not told.optional:
            yield _warning("not run", f"{name} needs {told.tokens:,} tokens: {told.not_run}")


def _unread(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Note answers to a choice, or of a number, that hold none: they count as wrong."""
    for task, told in record.accuracy.items():
        share = told.metrics.get(UNREAD)
        if share and told.n:
            unread = f"{task}: {round(share * told.n)} of {told.n} answers name no choice (or "
            yield _note("answers unread", f"{unread}several), or hold no number: they are wrong")


ANSWER_RULES: tuple[Callable[[Record, Seen], Iterator[FlagInfo]], ...] = (
    _chat, _system, _unused, _recommended, _thought_cut, _answers_cut, _not_run, _unread,
    _unscorable, _asked_of, _app_errors, _queue,
)  # fmt: skip
"""Rules in the order in which their flags are shown."""


def _warning(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail)


def _note(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail, level="note")
