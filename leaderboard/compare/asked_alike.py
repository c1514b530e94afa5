"""Were two runs asked the same? What differs is named, for a comparison to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leaderboard.rows.answers import Answers, ItemKey
from runners.records.record import Record

Kind = Literal[
    "suite", "tasks", "few-shot", "metric", "items", "prompts", "right answers", "chat template",
    "thought", "sampling",
]  # fmt: skip
_ASKED: tuple[tuple[str, Kind, str], ...] = (
    ("chat_template", "chat template", "generation tasks"),
    ("chat_system", "chat template", "system text"),
    ("chat_args", "chat template", "arguments of the template"),
    ("reasoning", "thought", "end and most tokens of thought"),
    ("sampling", "sampling", "how tokens are chosen"),
)
"""Setting of a candidate, kind of the mismatch, what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing in which what was asked differs."""

    kind: Kind
    text: str
    """Place of the difference, and both values."""


def mismatches(
    reference: Record,
    other: Record,
    answers: tuple[Answers, Answers] | None = None,
) -> tuple[Mismatch, ...]:
    """Every difference in what two runs were asked.

    Args:
        reference: one run.
        other: the other.
        answers: of both, where their samples are at hand: the items themselves are compared.

    Returns:
        None of them where the suites' digests agree, except for how the candidates are asked:
        chat template, thought, sampling. What an incomplete run did not reach is no difference.
    """
    found: list[Mismatch] = []
    if reference.suite.digest != other.suite.digest:
        found.extend(_suites(reference, other))
        found.extend(_tasks(reference, other))
        if answers:
            found.extend(_items(*answers))
    found.extend(_candidates(reference, other, generates=any(map(_generates, answers or ()))))
    return tuple(found)


def _candidates(reference: Record, other: Record, *, generates: bool) -> Iterator[Mismatch]:
    """What two candidates say of how they are asked; most of it is about generations alone."""
    mine, theirs = reference.candidate.settings, other.candidate.settings
    every_task = "all" in (mine.get("chat_template"), theirs.get("chat_template"))
    for key, kind, words in _ASKED:
        likelihoods = every_task and kind == "chat template"
        if mine.get(key) != theirs.get(key) and (generates or likelihoods):
            told = [_told(settings.get(key)) for settings in (mine, theirs)]
            yield _mismatch(kind, "every task" if likelihoods else words, *told)


def _told(value: object) -> object:
    return "none" if value is None else value


def _suites(reference: Record, other: Record) -> Iterator[Mismatch]:
    a, b = (f"{r.suite.name} version {r.suite.version}" for r in (reference, other))
    if a != b:
        yield _mismatch("suite", "suite", a, b)
    for key in sorted({*reference.suite.options, *other.suite.options}):
        told = [_told(r.suite.options.get(key)) for r in (reference, other)]
        if told[0] != told[1]:
            yield _mismatch("suite", f"the suite's {key}", *told)
    asked = [{str(task.get("task")) for task in r.suite.tasks} for r in (reference, other)]
    for task in sorted(asked[0] ^ asked[1]):
        here = "the reference" if task in asked[0] else "the other run"
        yield Mismatch(kind="tasks", text=f"task {task}: only {here} was asked it")


def _tasks(reference: Record, other: Record) -> Iterator[Mismatch]:
    for name in [name for name in reference.accuracy if name in other.accuracy]:
        a, b = reference.accuracy[name], other.accuracy[name]
        if a.num_fewshot != b.num_fewshot:
            yield _mismatch("few-shot", f"{name}: few-shot examples", a.num_fewshot, b.num_fewshot)
        if a.metric != b.metric:
            yield _mismatch("metric", f"{name}: headline metric", a.metric, b.metric)
        if a.asked != b.asked:
            yield _mismatch("items", f"{name}: items asked", a.asked, b.asked)


def _items(reference: Answers, other: Answers) -> Iterator[Mismatch]:
    a, b = _by_document(reference), _by_document(other)
    for task in [task for task in a if task in b]:
        shared = a[task].keys() & b[task].keys()
        prompts = sum(a[task][doc].item != b[task][doc].item for doc in shared)
        if prompts:
            text = f"{task}: prompts or choices of {prompts} of {len(shared)} shared documents"
            yield Mismatch(kind="prompts", text=text)
        same = [a[task][doc] for doc in shared if a[task][doc] == b[task][doc]]
        targets = sum(reference.cell(k, "target") != other.cell(k, "target") for k in same)
        if targets:
            text = f"{task}: what is right differs in {targets} of {len(same)} shared items"
            yield Mismatch(kind="right answers", text=text)
        # What a complete run does not have, it was not asked.
        unasked = _unasked(reference, task, b[task].keys() - a[task].keys())
        unasked += _unasked(other, task, a[task].keys() - b[task].keys())
        if unasked:
            text = f"{task}: {unasked} documents were asked of one run only"
            yield Mismatch(kind="items", text=text)


def _unasked(lacking: Answers, task: str, documents: set[int]) -> int:
    accuracy = lacking.record.accuracy.get(task)
    complete = accuracy is not None and accuracy.n == accuracy.asked
    return len(documents) if complete else 0


def _by_document(answers: Answers) -> dict[str, dict[int, ItemKey]]:
    found: dict[str, dict[int, ItemKey]] = {}
    for key in answers.rows:
        found.setdefault(key.task, {})[key.doc_id] = key
    return found


def _generates(answers: Answers) -> bool:
    samples = answers.samples
    return "answer" in samples.column_names and samples.column("answer").null_count < len(samples)


def _mismatch(kind: Kind, what: str, reference: object, other: object) -> Mismatch:
    return Mismatch(kind=kind, text=f"{what}: {reference} in the reference, {other} in the other")
