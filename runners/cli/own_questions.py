"""Lines about a person's own questions: how many are right, how fast, and which are wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evals.errors import RecordError
from leaderboard.runs.own_questions import OwnAnswers, own_answers
from leaderboard.units import format_number, format_size, points
from runners.cli.layout import Column, Grid, plain

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from runners.records.record import Record
    from runners.records.store import Store

FIRST_WRONG = 10
"""Wrong answers that are shown where not all are asked for."""
NOTED = 0.1
"""Share of the wait for first words from which a queue's part in it is named."""
MOST_SHOWN = 300
"""Characters of a text in the table."""


def answered(record: Record, store: Store) -> list[OwnAnswers]:
    """Answers of a run to own questions; empty where it has none, or its samples cannot be read."""
    if not any(one.is_own for one in record.data) or not record.accuracy:
        return []
    try:
        return own_answers(record, store.answers(record))
    except RecordError:
        return []


def sentences(row: Row, store: Store) -> Iterator[str]:
    """One line a file of questions: right answers, times, peak memory and verdict."""
    for found in answered(row.record, store):
        yield f"{row.record.candidate.name}: {', '.join([*_counts(found), *_costs(row, found)])}"
        if len(found.groups) > 1:
            yield "  " + ", ".join(f"{name} {right} of {n}" for name, right, n in found.groups)
        if doubts := [*_doubts(found)]:
            yield "  " + "; ".join(doubts)
        if found.wrong:
            run = shlex.join([row.record.candidate.name, "--store", str(store.root), "--wrong"])
            count = f"{len(found.wrong)} wrong answers" if len(found.wrong) > 1 else "wrong answer"
            yield f"  the {count}: weighin show {run}"


def _counts(found: OwnAnswers) -> Iterator[str]:
    n, interval = len(found.answers), found.interval
    of = f"{n}" if n == found.asked else f"{n} answered ({found.asked} asked)"
    low, high = points(interval.low), points(interval.high)
    yield f"{found.right} of {of} right (95% interval {low:.0f} to {high:.0f}%)"


def _costs(row: Row, found: OwnAnswers) -> Iterator[str]:
    if found.first_s is not None and found.whole_s is not None:
        queued = found.queued_s or 0.0
        waited = (
            f" ({_seconds(queued)} of it before the app began)"
            if queued > NOTED * found.first_s
            else ""
        )
        yield f"first words after {_seconds(found.first_s)}{waited}"
        yield f"whole answer after {_seconds(found.whole_s)} (medians)"
    peak, budget = row.value("memory"), row.record.budget
    if peak is not None:
        limit = budget.memory_bytes if budget else None
        yield f"peak {format_size(peak)}" + (f" of {format_size(limit)}" if limit else "")
    if row.verdict:
        yield row.verdict


def _doubts(found: OwnAnswers) -> Iterator[str]:
    unread = sum(one.unread for one in found.answers)
    cut = sum(one.stop in ("length", "context") for one in found.answers)
    empty = sum(not one.answer.strip() for one in found.answers)
    for what, n in (
        ("no text", empty),
        ("no number or choice", unread),
        ("cut off at the longest", cut),
    ):
        if n:
            yield f"{what}: {n} answer{'s' if n > 1 else ''}"


def _seconds(seconds: float) -> str:
    return f"{format_number(seconds)} s"


def wrong_answers(found: OwnAnswers, *, all_of_them: bool) -> Grid | None:
    """The wrong answers as a table; None where there is none."""
    if not found.wrong:
        return None
    shown = found.wrong if all_of_them else found.wrong[:FIRST_WRONG]
    left = len(found.wrong) - len(shown)
    more = f", the first {len(shown)} (all: --wrong)" if left else ""
    table = Grid(
        f"{len(found.wrong)} wrong answers to {found.task}{more}",
        "question",
        Column(heading="asked", wrap=True),
        Column(heading="expected", wrap=True),
        Column(heading="answered", wrap=True),
    )
    for one in shown:
        texts = (one.question, one.expected, one.answer or f"(nothing; {one.stop})")
        table.add_row(plain(one.place), *(plain(_cut(text)) for text in texts))
    return table


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"


def tables(records: Sequence[Record], store: Store, *, all_of_them: bool) -> Iterator[Grid]:
    """The wrong answers of the newest run that answered."""
    for record in reversed(records):
        found = answered(record, store)
        if found:
            grids = (wrong_answers(one, all_of_them=all_of_them) for one in found)
            yield from (grid for grid in grids if grid is not None)
            return
