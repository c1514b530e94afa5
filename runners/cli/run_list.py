"""`weighin list runs`: what was measured, by candidate and batch, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaderboard.rows.conditions import machine_of
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import short_names
from leaderboard.rows.repeats import RunsKey, runs_key
from leaderboard.rows.row import Row, merged, row
from leaderboard.units import MISSING, format_minute
from runners.cli.layout import Column, Grid, console, plain, say, state
from runners.cli.tables import score_cell, short_number, with_interval
from runners.records.record import Record

SPEED = ("ttft", "decode", "memory")
"""Keys of the metrics that a list has room for."""


def as_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Every run by itself, oldest first, for JSON; seconds and bytes."""
    found = []
    for record in records:
        one = row(record)
        found.append({
            "run": record.run_id, "candidate": record.candidate.name, "suite": record.suite.name,
            "status": record.status, "accuracy": with_interval(one.score),
            "machine": machine_of(record), "build": _build(record),
            "created_at": record.created_at, "batch": record.job.batch,
            "repeat": record.job.repeat,
            **{METRICS[key].name: one.value(key) for key in SPEED},
        })  # fmt: skip
    return found


def print_groups(records: Sequence[Record]) -> None:
    """A table of the runs, a line for each candidate of a batch."""
    groups = _groups(records)
    names = short_names([group[-1].candidate.name for group in groups])
    family = groups[0][-1].candidate.name.removesuffix(names[0])
    troubled = any(record.status != "completed" for record in records)
    table = Grid(
        f"candidates: {family}…" if family else "",
        "candidate",
        Column(heading="date (UTC)", left=True),
        Column(heading="suite", left=True, drop=4),
        Column(heading="runs", drop=2),
        *([Column(heading="status", left=True)] if troubled else []),
        "accuracy %",
        Column(heading="TTFT ms", drop=5),
        "tokens/s",
        "peak MiB",
        Column(heading="machine", left=True, drop=1),
        Column(heading="build", left=True, drop=6),
        Column(heading="run", left=True),
    )
    for name, group in zip(names, groups, strict=True):
        table.add_row(plain(name), *_cells(group, troubled=troubled))
    out = console()
    out.print(table)
    say(out, f"{len(records)} runs; weighin show NAME or the end of a run's id", style="dim")


def _groups(records: Sequence[Record]) -> list[list[Record]]:
    found: dict[tuple[str, RunsKey], list[Record]] = {}
    for record in records:
        found.setdefault((record.job.batch, runs_key(record)), []).append(record)
    return sorted(found.values(), key=lambda group: group[-1].run_id, reverse=True)


def _cells(group: Sequence[Record], *, troubled: bool) -> list[Any]:
    whole = merged(group)
    one: Row = whole[0] if whole else row(group[-1])
    statuses = [record.status for record in group]
    status = next((s for s in statuses if s != "completed"), "completed")
    scored = next((r for r in reversed(group) if r.accuracy), group[-1])
    return [
        format_minute(group[-1].created_at),
        plain(group[-1].suite.name),
        str(len(group)),
        *([state(status)] if troubled else []),
        score_cell(one.score),
        *(short_number(one, METRICS[key]) for key in SPEED),
        plain((machine_of(group[-1]) or MISSING)[:6]),
        plain(_build(group[-1])),
        plain(scored.run_id.rpartition("-")[2]),
    ]


def _build(record: Record) -> str:
    """The start of the digest over the runtime's libraries; early records have none."""
    return (record.software.runtime_digest or "unknown")[:7]
