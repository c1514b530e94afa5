"""`weighin list`: what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli import say
from runners.cli.completion_names import KINDS, complete_kinds
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.records.record import Record

Rows = list[dict[str, Any]]


def _kind(_context: click.Context, _parameter: click.Parameter, word: str) -> str:
    if word not in KINDS:
        from evals.errors import did_you_mean

        raise click.UsageError(f'nothing called "{word}" can be listed{did_you_mean(word, KINDS)}')
    return word


@click.command("list")
@click.argument("what", metavar=f"{{{'|'.join(KINDS)}}}", callback=_kind,
                shell_complete=complete_kinds)  # fmt: skip
@store_option
@json_option
def command(what: str, store_path: Path | None, *, as_json: bool) -> int:
    """List candidates, suites, tasks with packaged data, budgets, or runs."""
    rows = _runs(store_path) if what == "runs" else _LISTS[what]()
    if as_json:
        print(json.dumps(rows))
        return 0
    from runners.cli.tables import console, new_table, plain

    if not rows:
        print(f"no {what}")
        return 0
    table = new_table("", *rows[0])
    for column in table.columns:
        column.justify = "left"
    for row in rows:
        table.add_row(*(plain("" if value is None else value) for value in row.values()))
    console().print(table)
    return 0


def _candidates() -> Rows:
    from runners.candidates.catalogue import candidate_names, find_candidate

    found = [find_candidate(name) for name in candidate_names()]
    return [
        {
            "name": c.name,
            "family": c.family,
            "runtime": c.runtime,
            "weights": _weights(c),
            "licence": c.licence,
        }
        for c in found
    ]  # fmt: skip


def _weights(candidate: Candidate) -> str:
    if candidate.quantize is not None:
        return f"{candidate.quantize.type} made here from {candidate.quantize.source}"
    # The packages without their members, which fill a screen and which `show` names.
    return re.sub(r"#[^+]*", "", candidate.weights or "")


def _suites() -> Rows:
    from evals.suites import find_suite, suite_names

    found = [find_suite(name) for name in suite_names()]
    return [
        {"name": s.name, "version": s.version, "tasks": len(s.tasks), "description": s.description}
        for s in found
    ]


def _tasks() -> Rows:
    from evals.tasks.packaged import packaged_names, packaged_task

    found = [(name, packaged_task(name)) for name in packaged_names()]
    return [
        {"task": name, "items": task.items, "data": task.source, "licence": task.licence,
         "note": task.note}
        for name, task in found
    ]  # fmt: skip


def _budgets() -> Rows:
    from leaderboard.units import format_gib
    from runners.compute.budget import budget_names, find_budget

    found = [find_budget(name) for name in budget_names()]
    return [
        {"name": b.name, "memory": format_gib(b.memory_bytes), "cpus": b.cpus,
         "description": b.description}
        for b in found
    ]  # fmt: skip


def _runs(store_path: Path | None) -> Rows:
    from evals.errors import RecordError
    from leaderboard.rows.conditions import machine_of
    from leaderboard.rows.row import row
    from runners.cli.tables import with_interval

    rows: Rows = []
    for record in open_store(store_path).records():
        if isinstance(record, RecordError):
            say(str(record))
            continue
        rows.append({
            "run": record.run_id, "candidate": record.candidate.name, "suite": record.suite.name,
            "status": record.status, "accuracy": with_interval(row(record).score),
            "machine": machine_of(record), "build": _build(record),
        })  # fmt: skip
    return rows


def _build(record: Record) -> str:
    """The start of the digest over the runtime's libraries; early records have none."""
    return (record.software.runtime_digest or "unknown")[:7]


_LISTS: dict[str, Callable[[], Rows]] = {
    "candidates": _candidates,
    "suites": _suites,
    "tasks": _tasks,
    "budgets": _budgets,
}
