"""Pair two runs' choices: log-likelihoods and sizes, and which tasks have texts as choices.

A task is of *labels* where the choices of all its items have one and the same mean size, of no more
than `LABEL` tokens: A to D, yes or no. A shift of all letters moves such log-likelihoods either
way, whatever became of the model, so fidelity leaves these tasks out. The rule looks at sizes alone
and never at a result. A single item, which agrees with itself, needs half that size.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.rows.counting import parts
from leaderboard.rows.probe import probe_answers
from runners.records.parts import METRIC

Unit = Literal["token", "byte"]
LABEL: Mapping[Unit, float] = {"token": 2, "byte": 12}
"""The largest mean size of a choice that may be a label."""
BYTES_A_TOKEN = 4
"""Bytes of a token where tokens are not known; about what tokenizers make of English."""
NO_CHOICES = "no log-likelihoods of the same choices (generation tasks have none)"
_TWICE = f"{METRIC}acc_mutual_info"
NO_SIZES = "the samples say neither how many tokens nor how many bytes the choices have"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One item of both runs."""

    part: str
    """Task of the item, or the group of its task."""
    task: str
    reference: tuple[float, ...]
    """Log-likelihood of each choice, nats; so is `other`."""
    other: tuple[float, ...]
    count: int
    """Number of the choices among these; `acc_mutual_info` asks for each once more without
    context."""
    size: float
    """Tokens of all its choices together; bytes where nobody knows the tokens."""
    cluster: Hashable
    """Cluster of items that flip together."""

    @property
    def lost(self) -> float:
        """Nats that the other gives up over all choices."""
        return math.fsum(self.reference) - math.fsum(self.other)

    @property
    def chosen(self) -> tuple[int, int]:
        """Each side's choice: the first of the most likely, as lm-eval's argmax takes it."""
        first = max(range(self.count), key=self.reference.__getitem__)
        return first, max(range(self.count), key=self.other.__getitem__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The items of two runs whose choices both scored."""

    items: tuple[Choices, ...]
    labels: frozenset[str]
    """Tasks whose choices are labels."""
    unit: Unit
    reason: str = ""
    """Why the log-likelihoods cannot be compared."""

    @property
    def texts(self) -> tuple[Choices, ...]:
        """The items of tasks whose choices are texts."""
        return tuple(item for item in self.items if item.task not in self.labels)


def pair_choices(
    reference: Answers,
    other: Answers,
    *,
    clusters: Mapping[ItemKey, Hashable],
    only: Collection[str] | None = None,
) -> Pairing:
    """Lay the choices of two runs beside each other.

    Args:
        reference: one run.
        other: the other.
        clusters: what an item shares with others; the rest belong with repetitions of themselves.
        only: tasks and groups that count; None: all.

    Returns:
        Items whose prompt was cut on one side are not in it. With a reason where tokenizers differ
        or a log-likelihood is not finite.
    """
    sides = _read(reference), _read(other)
    shared = [
        (key, part, sides[0][reference.rows[key]], sides[1][other.rows[key]])
        for key, part in _shared(reference, other, only)
    ]
    found = [
        (key, part, a, b)
        for key, part, a, b in shared
        if a.nats and len(a.nats) == len(b.nats) and not (a.cut or b.cut)
    ]
    unit: Unit = "byte" if any(_size(a, b, "token") is None for *_, a, b in found) else "token"
    items = tuple(
        Choices(
            part=part,
            task=key.task,
            reference=a.nats,
            other=b.nats,
            count=a.count,
            size=_size(a, b, unit) or 0,
            cluster=clusters.get(key, (key.task, key.item)),
        )
        for key, part, a, b in found
    )
    return Pairing(
        items=items,
        labels=frozenset(_labels(items, unit)),
        unit=unit,
        reason=_other_marks(reference, other)
        or _why_not([(key, a, b) for key, _, a, b in found], unit),
    )


def packed_choices(answers: Answers, labels: Collection[str]) -> tuple[Choices, ...]:
    """The items of the noise floor's probe, as they were scored plainly and with the others.

    Args:
        answers: a run; empty where its samples keep no probe.
        labels: tasks whose choices are labels; they have no size here.
    """
    probe = probe_answers(answers)
    if probe is None:
        return ()
    beside, alone = (_read(one) for one in probe)
    return tuple(
        Choices(
            part=key.task,
            task=key.task,
            reference=alone[row].nats,
            other=beside[row].nats,
            count=beside[row].count,
            size=0 if key.task in labels else beside[row].sizes["token"] or 0,
            cluster=key,
        )
        for key, row in probe[0].rows.items()
        if alone[row].nats and len(alone[row].nats) == len(beside[row].nats)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    nats: tuple[float, ...]
    count: int
    sizes: Mapping[Unit, int | None]
    cut: bool


def _shared(
    reference: Answers, other: Answers, only: Collection[str] | None
) -> Iterator[tuple[ItemKey, str]]:
    part_of = {task: part for part, tasks in parts(reference.record).items() for task in tasks}
    for key in reference.rows:
        part = part_of.get(key.task, key.task)
        if key in other.rows and (only is None or part in only or key.task in only):
            yield key, part


def _read(answers: Answers) -> list[_Read]:
    """Row by row what the samples say; of a generation nothing."""
    names = ("logprobs", "tokens", "bytes", "truncated", _TWICE)
    table, rows = answers.samples, answers.samples.num_rows
    columns = [
        table.column(name).to_pylist() if name in table.column_names else [None] * rows
        for name in names
    ]
    return [
        _Read(
            nats=tuple(nats or ()),
            count=len(nats or ()) // (1 if twice is None else 2),
            sizes={"token": tokens, "byte": size},
            cut=bool(cut),
        )
        for nats, tokens, size, cut, twice in zip(*columns, strict=True)
    ]


def _size(a: _Read, b: _Read, unit: Unit) -> int | None:
    return a.sizes[unit] if a.sizes[unit] is not None else b.sizes[unit]


def _labels(items: Sequence[Choices], unit: Unit) -> Iterator[str]:
    by_task: dict[str, list[Choices]] = {}
    for item in items:
        by_task.setdefault(item.task, []).append(item)
    for task, asked in by_task.items():
        means = {item.size / len(item.reference) for item in asked}
        alike = len(means) == 1 and min(item.count for item in asked) > 1
        if alike and means.pop() <= LABEL[unit] / (1 if len(asked) > 1 else 2):
            yield task


def _other_marks(reference: Answers, other: Answers) -> str:
    """Say that imported results name different special tokens; empty where they agree."""
    about = [one.record.imported and one.record.imported.tokenizer for one in (reference, other)]
    if about[0] and about[1] and about[0] != about[1]:
        return f"other tokenizers: the results name {about[0]} and {about[1]}"
    return ""


def _why_not(found: Sequence[tuple[ItemKey, _Read, _Read]], unit: Unit) -> str:
    if not found:
        return NO_CHOICES
    if any(_size(a, b, unit) is None for _, a, b in found):
        return NO_SIZES
    known = [(a.sizes["token"], b.sizes["token"]) for _, a, b in found]
    unlike = [(one, other) for one, other in known if None not in (one, other) and one != other]
    if unlike:
        one, other = unlike[0]
        return (
            f"other tokenizers: {len(unlike):,} of {len(found):,} items have other numbers of "
            f"tokens (the first {one} and {other}), so nats a token are not comparable"
        )
    odd = [key for key, a, b in found if not all(map(math.isfinite, (*a.nats, *b.nats)))]
    if odd:
        first = f"document {odd[0].doc_id} of {odd[0].task}"
        return f"log-likelihoods of {len(odd):,} items are not finite, e.g. of {first}"
    return ""


def sizes(items: Sequence[Choices], unit: Unit) -> list[float]:
    """The sizes of items in tokens, as which four bytes count where tokens are not known."""
    return [item.size if unit == "token" else item.size / BYTES_A_TOKEN for item in items]


def names(items: Sequence[Choices]) -> tuple[str, ...]:
    """Tasks and groups of items, each once, in order."""
    return tuple(dict.fromkeys(item.part for item in items))
