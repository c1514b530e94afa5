"""Answers to a person's own questions: how many are right, when they came, and the wrong ones."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from leaderboard.stats.intervals import Interval, wilson
from runners.records.parts import METRIC
from runners.records.record import Record

if TYPE_CHECKING:
    import pyarrow

RIGHT, UNREAD = f"{METRIC}right", f"{METRIC}unread"
ANSWER = "first_answer"
"""Column that a table has where a model thinks before it answers."""
QUEUED = "queued_s"
"""Column that a table has where an app has a queue."""
COLUMNS = ("task", "target", "answer", "stop", "token_s", "first_text", RIGHT)
"""Columns of the samples that are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswer:
    """One question and what was answered."""

    place: str
    """Its id in the file, else its line."""
    group: str
    question: str
    expected: str
    """Accepted answers and the rule that they are held to."""
    answer: str
    right: bool
    unread: bool
    """True where no number or choice was found in the answer."""
    stop: str
    """How the answer ended, e.g. `length` where it was cut."""
    first_s: float | None
    """Seconds from the request to the answer's first text, after any thought; None: not timed, or
    no text came."""
    whole_s: float | None
    """Seconds from the request to the last of the text."""
    queued_s: float | None = None
    """Seconds until an app began to work on it; None: nothing says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswers:
    """One run's answers to the questions of one file, at least one."""

    task: str
    asked: int
    """Questions that were to be asked."""
    answers: tuple[OwnAnswer, ...]

    @property
    def right(self) -> int:
        """Number of right answers."""
        return sum(one.right for one in self.answers)

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the share that is right."""
        return wilson(self.right, len(self.answers))

    @property
    def first_s(self) -> float | None:
        """Median seconds to the first words; None where none is known."""
        return _median(one.first_s for one in self.answers)

    @property
    def whole_s(self) -> float | None:
        """Median seconds to the whole answer."""
        return _median(one.whole_s for one in self.answers)

    @property
    def queued_s(self) -> float | None:
        """Median seconds until an app began to work; None for what has no queue."""
        return _median(one.queued_s for one in self.answers)

    @property
    def wrong(self) -> tuple[OwnAnswer, ...]:
        """The wrong answers, in the order of the questions."""
        return tuple(one for one in self.answers if not one.right)

    @property
    def groups(self) -> tuple[tuple[str, int, int], ...]:
        """Name, right answers and answers of each group that the file names."""
        found: dict[str, list[bool]] = {}
        for one in self.answers:
            if one.group:
                found.setdefault(one.group, []).append(one.right)
        return tuple((name, sum(right), len(right)) for name, right in found.items())


def own_answers(record: Record, samples: pyarrow.Table) -> list[OwnAnswers]:
    """Answers to each file of own questions that a run was asked; empty where there is none.

    Args:
        record: the run.
        samples: its rows; without the columns that are needed nothing is told.
    """
    names = [one.task for one in record.data if one.is_own]
    if not names or not set(COLUMNS) <= set(samples.column_names):
        return []
    columns = [*COLUMNS, *(one for one in (UNREAD, ANSWER, QUEUED) if one in samples.column_names)]
    rows: Sequence[Mapping[str, Any]] = samples.select(columns).to_pylist()
    found = []
    for name in names:
        answers = tuple(map(_answer, (row for row in rows if row["task"] == name)))
        task = record.accuracy.get(name)
        if answers and task is not None:
            found.append(OwnAnswers(task=name, asked=task.asked, answers=answers))
    return found


def _answer(row: Mapping[str, Any]) -> OwnAnswer:
    target = _target(row["target"])
    times = [time for time in row["token_s"] or () if time is not None]
    thinks, answers = row["first_text"], row.get(ANSWER)
    first = thinks if answers is None else answers
    return OwnAnswer(
        place=str(target.get("id") or f"line {target.get('line', '?')}"),
        group=str(target.get("group") or ""),
        question=str(target.get("question") or ""),
        expected=_expected(target),
        answer=row["answer"] or "",
        right=row[RIGHT] == 1,
        unread=row.get(UNREAD) == 1,
        stop=row["stop"] or "",
        first_s=times[first] if first is not None and 0 <= first < len(times) else None,
        whole_s=times[-1] if times else None,
        queued_s=row.get(QUEUED),
    )


def _target(text: str | None) -> Mapping[str, Any]:
    """The target that the task wrote; empty for anything else that a file may hold."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _expected(target: Mapping[str, Any]) -> str:
    accepted = target.get("accepted")
    said = " or ".join(map(str, accepted)) if isinstance(accepted, list) else ""
    return f"{target.get('rule', '')}: {said}"


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return median(known) if known else None
