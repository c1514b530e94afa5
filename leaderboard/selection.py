"""Which rows a view is about: those of one machine, suite and budget, never a mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.board import Row
from leaderboard.peers import Conditions, peers
from leaderboard.view import View
from runners.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows that may be ranked together, and what else could have been chosen."""

    conditions: Conditions
    rows: tuple[Row, ...]
    machines: Mapping[str, str]
    """Fingerprint -> what to call it."""
    suites: Mapping[str, str]
    """Digest -> name, of what was measured on that machine."""
    budgets: Mapping[str, str]
    """Of that machine and suite."""
    problems: tuple[str, ...] = ()
    """What the view asked for and there is not."""


def select(rows: Sequence[Row], view: View) -> Selection | None:
    """The rows of the conditions that a view names; where it names none, the most measured.

    Returns:
        None where there is no row at all.
    """
    groups = peers(rows)
    if not groups:
        return None
    problems: list[str] = []
    wanted = (view.machine, view.suite, view.budget)
    left = list(groups)
    offered: list[dict[str, str]] = []
    for level, field in enumerate(Conditions._fields):
        here = sorted({key[level] for key in left}, key=lambda v: -_size(groups, level, v, left))
        offered.append({value: _name(field, value, groups, left, level) for value in here})
        chosen = wanted[level]
        if chosen not in here:
            if chosen:
                problems.append(f'{field} "{chosen}" has no run here; showing another')
            # No budget is a choice of its own: it is the plain run, where there is one.
            chosen = "" if field == "budget" and "" in here else here[0]
        left = [key for key in left if key[level] == chosen]
    return Selection(
        conditions=left[0],
        rows=groups[left[0]],
        machines=offered[0],
        suites=offered[1],
        budgets=offered[2],
        problems=tuple(problems),
    )


def machine_name(record: Record) -> str:
    """A machine in words: `AMD EPYC, 2 cores, 24 GiB`; its fingerprint where nothing is known."""
    from leaderboard.units import gib

    machine = record.machine
    parts = [str(machine["cpu_model"])] if machine.get("cpu_model") else []
    cores, ram = machine.get("usable_cpus"), machine.get("ram_bytes")
    if cores:
        parts.append(f"{cores} core{'s' if cores != 1 else ''}")
    if isinstance(ram, int | float):
        parts.append(f"{gib(ram):.0f} GiB")
    parts += [str(gpu) for gpu in machine.get("gpu") or []]
    return ", ".join(parts) or f"machine {machine.get('fingerprint')}"


def _size(
    groups: Mapping[Conditions, Sequence[Row]], level: int, value: str, left: Sequence[Conditions]
) -> int:
    return sum(len(groups[key]) for key in left if key[level] == value)


def _name(
    field: str,
    value: str,
    groups: Mapping[Conditions, Sequence[Row]],
    left: Sequence[Conditions],
    level: int,
) -> str:
    record = next(groups[key][0].record for key in left if key[level] == value)
    if field == "machine":
        return f"{machine_name(record)} \N{MIDDLE DOT} {value[:6]}"
    if field == "suite":
        return f"{record.suite.name} v{record.suite.version} \N{MIDDLE DOT} {value[:6]}"
    return budget_name(record)


def budget_name(record: Record) -> str:
    """A budget in words: its name, else what it limits."""
    budget = record.budget
    if budget is None:
        return "no budget"
    name = budget.get("name")
    return str(name) if name else ", ".join(f"{key} {budget[key]}" for key in sorted(budget))
