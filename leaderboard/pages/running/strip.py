"""Batches that run at this moment, above every page: where they stand, and what they have found."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator

from leaderboard.pages.blocks import Block, Code, Live, Note, Table
from leaderboard.pages.grid import Cell, Grid, Head
from leaderboard.pages.history.tables import accuracy_cells, measured_cells, measured_heads
from leaderboard.pages.library import Library
from leaderboard.rows.row import merged
from leaderboard.units import format_duration, format_minute
from runners.records.progress import Progress, now
from runners.records.record import Record

QUIET_S = 30.0
"""Seconds without a word after which that is said: a model that loads, or a long request."""
BUSY_S, IDLE_S = 2.0, 5.0
"""Seconds between two looks while something runs, and while nothing does."""
MOST_FINISHED = 8
"""Candidates in the table; the ranked table has all."""


def running(library: Library) -> Iterator[Block]:
    """What runs now, or stopped before its end; nothing where nothing does."""
    runs = any(one.alive for one in library.progress())
    yield Live(
        now=lambda: _now(library),
        mark=lambda: _mark(library),
        then=lambda: _then(library),
        every_s=BUSY_S if runs else IDLE_S,
    )


def _mark(library: Library) -> Hashable:
    return tuple((one.batch, one.alive, tuple(one.runs)) for one in library.progress())


def _now(library: Library) -> Iterator[Block]:
    for one in library.progress():
        if not one.alive:
            yield from _stopped(library, one)
            continue
        quiet_s = time.time() - one.heard_at
        quiet = f" · last word {format_duration(quiet_s)} ago" if quiet_s > QUIET_S else ""
        yield Note(f"Running: {place(one)}{quiet}", "running")
        yield from _finished(library, one)


def _then(library: Library) -> Iterator[Block]:
    """What a file says, in which nothing goes on."""
    for one in library.progress():
        if one.alive:
            moment = format_minute(now())
            yield Note(f"Was running when this file was written, {moment} UTC: {place(one)}")
        else:
            yield Note(f"{_why(library, one)} {place(one)}", "warning")


def place(one: Progress) -> str:
    """Where a batch stands: `2 of 3 · q4_0 · scoring boolq 34/40 items · about 3 min left`."""
    repeat = f" (repeat {one.repeat + 1})" if one.repeat else ""
    what = " ".join(word for word in (one.phase, one.task, one.workload) if word)
    unit = one.unit or ("requests" if one.workload else "items")
    count = f" {one.done:,}/{one.total:,} {unit}" if one.total else ""
    left_s = one.left_s if one.alive else None
    left = "" if left_s is None else f"about {format_duration(max(1.0, left_s))} left"
    parts = (f"{one.position + 1:,} of {one.jobs:,}", one.candidate + repeat, what + count, left)
    return " · ".join(part for part in parts if part)


def _stopped(library: Library, one: Progress) -> Iterator[Block]:
    how = "Nothing that was measured is lost: this goes on where it stopped"
    if not one.resumes:
        how = "Both sides are measured together, so this begins anew"
    words = f"{_why(library, one)} {place(one)}. {how}, and `weighin gc` forgets it after a day."
    yield Note(words, "warning")
    yield Code(one.command)


def _why(library: Library, one: Progress) -> str:
    last = next((run for run in _runs(library, one.runs[-1:])), None)
    how = "was interrupted" if last and last.status == "interrupted" else "died"
    return f"A run that began on {format_minute(one.started_at)} UTC {how} at"


def _finished(library: Library, one: Progress) -> Iterator[Block]:
    rows = merged([run for run in _runs(library, one.runs) if run.status != "interrupted"])
    if not rows:
        return
    shown = rows[-MOST_FINISHED:]
    few = f", the last {len(shown)} of {len(rows)}" if len(shown) < len(rows) else ""
    yield Table(
        Grid(
            caption=f"Finished in this run{few}",
            heads=(
                Head("candidate", number=False),
                Head("accuracy", "%", "95 % interval over items"),
                Head("n"),
                *measured_heads(),
                Head("runs"),
                Head("ended", number=False),
            ),
            rows=tuple(
                (
                    Cell(row.record.candidate.name),
                    *accuracy_cells(row),
                    *measured_cells(row),
                    Cell(str(row.runs)),
                    Cell(row.record.status),
                )
                for row in shown
            ),
        )
    )


def _runs(library: Library, run_ids: list[str]) -> list[Record]:
    wanted = set(run_ids)
    return [run for run in library.stores().records if run.run_id in wanted] if wanted else []
