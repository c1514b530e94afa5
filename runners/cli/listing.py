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

Rows = list[dict[str, Any]]
_NUMBERS = ("memory_bytes", "cpus", "version", "tasks", "items")
_COLUMNS: dict[str, dict[str, Any]] = {
    "description": {"wrap": True}, "note": {"wrap": True, "drop": 2}, "weights": {"wrap": True},
    "licence": {"wrap": True, "drop": 1}, "family": {"drop": 2}, "data": {"wrap": True, "drop": 1},
    "version": {"drop": 1},
}  # fmt: skip
"""Columns of lists, by the order in which they give way."""


def _kind(_context: click.Context, _parameter: click.Parameter, word: str) -> str:
    if word not in KINDS:
        from evals.errors import did_you_mean

        raise click.UsageError(f'nothing called "{word}" can be listed{did_you_mean(word, KINDS)}')
    return word


@click.command("list")
@click.argument(
    "what", metavar=f"{{{'|'.join(KINDS)}}}", callback=_kind, shell_complete=complete_kinds
)
@store_option
@json_option
def command(what: str, store_path: Path | None, *, as_json: bool) -> int:
    """List candidates, suites, tasks with packaged data, budgets, or runs.

    Runs are grouped by candidate and batch, the newest first; RUN is the end of the id of the run
    that answered the tasks, which `weighin show` takes. --json has every run by itself.
    """
    if what == "runs":
        return _list_runs(store_path, as_json=as_json)
    rows = _LISTS[what]()
    if as_json:
        print(json.dumps(rows))
        return 0
    _print(what, rows)
    return 0


def _print(what: str, rows: Rows) -> None:
    from runners.cli.layout import Column, Grid, console, plain

    if not rows:
        print(f"no {what}")
        return
    columns = [_COLUMNS.get(key, {}) for key in rows[0]]
    table = Grid("", *(Column(heading=key.removesuffix("_bytes"), left=key not in _NUMBERS, **given)
                       for key, given in zip(rows[0], columns, strict=True)))  # fmt: skip
    for row in rows:
        shown = (_cell(key, value) for key, value in row.items())
        table.add_row(*map(plain, shown))
    console().print(table)


def _cell(key: str, value: object) -> object:
    from leaderboard.units import format_size

    if key == "memory_bytes":
        return "" if value is None else format_size(float(str(value)))
    return "" if value is None else value


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
    ]


def _weights(candidate: Candidate) -> str:
    if candidate.quantize is not None:
        return f"{candidate.quantize.type} made from {candidate.quantize.source}"
    # The packages without their members, which fill a screen and which `show` names.
    first, *others = re.sub(r"#[^+]*", "", candidate.weights or "").split("+")
    return f"{first} and {len(others)} more" if others else first


def _suites() -> Rows:
    from evals.suites import find_suite, suite_names

    found = [find_suite(name) for name in suite_names()]
    return [
        {"name": s.name, "version": s.version, "tasks": len(s.tasks), "description": s.description}
        for s in found
    ]


def _tasks() -> Rows:
    from evals.tasks.packaged import packaged_names, packaged_task
    from evals.tasks.worded import READ, SUFFIX

    found = [(name, packaged_task(name)) for name in packaged_names()]
    worded = [(name + SUFFIX, task) for name, task in found if name in READ]
    return [
        {"task": name, "items": task.items, "data": task.source, "licence": task.licence,
         "note": task.note if name == task.name else f"{task.name}, answered by a letter in words"}
        for name, task in sorted([*found, *worded])
    ]  # fmt: skip


def _budgets() -> Rows:
    from runners.compute.budget import budget_names, find_budget

    found = sorted(map(find_budget, budget_names()), key=lambda b: (b.memory_bytes or 0, b.name))
    return [
        {"name": b.name, "memory_bytes": b.memory_bytes, "cpus": b.cpus,
         "description": b.description}
        for b in found
    ]  # fmt: skip


def _list_runs(store_path: Path | None, *, as_json: bool) -> int:
    from evals.errors import RecordError
    from runners.cli.run_list import as_rows, print_groups

    records = []
    for record in open_store(store_path).records():
        if isinstance(record, RecordError):
            say(str(record))
        else:
            records.append(record)
    if as_json:
        print(json.dumps(as_rows(records)))
    elif records:
        print_groups(records)
    else:
        print("no runs")
    return 0


_LISTS: dict[str, Callable[[], Rows]] = {
    "candidates": _candidates,
    "suites": _suites,
    "tasks": _tasks,
    "budgets": _budgets,
}
