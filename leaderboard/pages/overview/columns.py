"""Columns of the ranked table: what a header says, how a cell reads, by what it sorts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evals.abilities import ability_title
from leaderboard.choose.overview import Line
from leaderboard.pages.overview.cells import (
    Cell,
    ability_cell,
    accuracy_cell,
    flags_cell,
    metric_cell,
    task_cell,
    task_score_of,
)
from leaderboard.pages.overview.search import fields, matches
from leaderboard.rows.abilities import (
    abilities,
    ability_score,
    counted,
    inside,
    told_apart,
    weighing,
)
from leaderboard.rows.metric import Metric, longest_workload
from leaderboard.rows.metrics import ACCURACY, METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.shown import applies
from leaderboard.rows.view import View
from leaderboard.units import MISSING, points

ABILITY = "ability:"
"""Prefix of the key of an ability's column."""
TASK = "task:"
"""Prefix of the key of a task's own column."""
USUAL = ("front", "flags")
"""The columns that are shown after the usual metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; numbers stand in the unit that its header names."""

    key: str
    header: str
    unit: str
    hint: str
    cell: Callable[[Line], Cell]
    value: Callable[[Line], float | str | None]
    """Value by which the column sorts."""
    number: bool = True
    first: Literal["", "-"] = "-"
    """Sign of the order that a first click on the head gives: the best come first."""


def known_columns(rows: Sequence[Row], view: View | None = None) -> dict[str, Column]:
    """Every column that there is for rows of one suite, by key.

    Args:
        rows: the candidates.
        view: what counts in the accuracy and in abilities; None: all tasks alike.
    """
    counts = view or View()
    found_abilities = abilities(rows)
    by_ability = [
        _ability(name, tasks, counts, counted(counts, found_abilities))
        for name, tasks in found_abilities.items()
        if told_apart(found_abilities)
    ]
    workload = next((longest_workload(r.record) for r in rows if r.record.latency), None) or ""
    tasks = dict.fromkeys(score.name for row in rows for score in row.scores)
    measured = [_metric(metric, workload) for metric in METRICS.values()]
    measured = [_weighted(one, counted(counts, found_abilities)) for one in measured]
    found = [*measured, *by_ability, *_judged(), *_facts(), *(_task(name) for name in tasks)]
    return {column.key: column for column in found}


def shown_columns(
    known: dict[str, Column], picked: Sequence[str], rows: Sequence[Row] = ()
) -> list[Column]:
    """The columns that were picked, or the usual ones of these rows, after the accuracy."""
    by_ability = [key for key in known if key.startswith(ABILITY)]
    metrics = [one.key for one in METRICS.values() if _usual(one, rows)]
    usual = (*by_ability, *metrics, *USUAL)
    keys = [key for key in picked if key in known] or usual
    return [known[ACCURACY], *(known[key] for key in keys if key != ACCURACY)]


def _usual(metric: Metric, rows: Sequence[Row]) -> bool:
    return metric.headline or (metric.at_times and applies(metric, rows))


def arrange(lines: Sequence[Line], known: dict[str, Column], sort: str, search: str) -> list[Line]:
    """The lines that match a search, in the order that was asked for.

    Args:
        lines: in their usual order.
        known: the columns.
        sort: a column's key, with a minus in front from the largest down; else the usual order.
        search: words that must all be found (`leaderboard.pages.overview.search`).

    Returns:
        Missing values come last either way.
    """
    found = [line for line in lines if matches(fields(line.row), search)]
    column = known.get(sort.removeprefix("-"))
    if column is None:
        return found
    present = [line for line in found if column.value(line) is not None]
    missing = [line for line in found if column.value(line) is None]

    def order(line: Line) -> float | str:
        value = column.value(line)
        return value.casefold() if isinstance(value, str) else value or 0.0

    return [*sorted(present, key=order, reverse=sort.startswith("-")), *missing]


def next_sort(sort: str, column: Column | None) -> str:
    """The order after a click on a column's head: the best first, the worst first, by rank again.

    Args:
        sort: the order so far, as in a view.
        column: the one that was clicked; None: the rank.
    """
    if column is None:
        return ""
    best = f"{column.first}{column.key}"
    worst = column.key if column.first else f"-{column.key}"
    return {best: worst, worst: ""}.get(sort, best)


def _metric(metric: Metric, workload: str) -> Column:
    of = f" Workload {workload} (prompt + new tokens)." if metric.by_workload and workload else ""
    accuracy = metric.key == ACCURACY
    return Column(
        key=metric.key,
        header=metric.short,
        unit=metric.unit.symbol,
        hint=f"{metric.hint}{of}",
        cell=accuracy_cell if accuracy else lambda line: metric_cell(line.row, metric),
        value=lambda line: line.accuracy if accuracy else line.row.value(metric.key),
        first="-" if metric.better == "higher" else "",
    )


def _judged() -> list[Column]:
    return [
        Column(
            key="runs",
            header="runs",
            unit="",
            hint="Process runs that times and memory are means of, on this machine.",
            cell=lambda line: Cell(text=str(line.row.runs)),
            value=lambda line: line.row.runs,
        ),
        _share(
            "front",
            "Pareto-optimal",
            "Probability that nothing else that fits is as good in accuracy, speed and memory and "
            "better in one.",
            lambda line: line.front,
        ),
        _share(
            "best",
            "most accurate",
            "Probability of being the most accurate that fits.",
            lambda line: line.best,
        ),
        Column(
            key="flags",
            header="flags",
            unit="",
            hint="Warnings about the measurement.",
            cell=flags_cell,
            value=lambda line: ", ".join(line.row.flags) or None,
            number=False,
            first="",
        ),
    ]


def _facts() -> list[Column]:
    def quantisation(line: Line) -> str:
        kind = line.row.record.candidate.quantisation
        return kind.name if kind else ""

    return [
        _text("quantisation", "quantisation", "As the file names itself.", quantisation),
        _text("family", "family", "", lambda line: line.row.record.candidate.family),
        _text(
            "architecture",
            "architecture",
            "As the file names itself.",
            lambda line: line.row.record.candidate.architecture or "",
        ),
        _text("runtime", "runtime", "", lambda line: line.row.record.candidate.runtime),
        _text("licence", "licence", "", lambda line: line.row.record.candidate.licence),
    ]


def _share(key: str, header: str, hint: str, value: Callable[[Line], float | None]) -> Column:
    def cell(line: Line) -> Cell:
        found = value(line)
        if found is None:
            why = "does not fit" if line.reasons else "accuracy, speed or memory is missing"
            return Cell(text=MISSING, hint=why)
        return Cell(text=f"{points(found):.0f}")

    return Column(key=key, header=header, unit="%", hint=hint, cell=cell, value=value)


def _text(key: str, header: str, hint: str, value: Callable[[Line], str]) -> Column:
    return Column(
        key=key,
        header=header,
        unit="",
        hint=hint,
        cell=lambda line: Cell(text=value(line)),
        value=lambda line: value(line) or None,
        number=False,
        first="",
    )


def _weighted(column: Column, weights: Mapping[str, float]) -> Column:
    """The accuracy's column, which says what it is a mean of where abilities are weighed."""
    if column.key != ACCURACY or not weights:
        return column
    hint = f"Mean for {weighing(weights)}. After it, half its 95% interval over items."
    return replace(column, header="weighted accuracy", hint=hint)


def _ability(
    ability: str, tasks: Sequence[str], view: View, weights: Mapping[str, float]
) -> Column:
    within = dict(view.weights)
    counting = inside(tasks, within)
    mean = f"Mean of {', '.join(counting)}." if len(counting) > 1 else f"Task {tasks[0]}."
    share = weights.get(ability, 0.0) / sum(weights.values()) if weights else None
    counts = "" if share is None else f" Counts {share:.0%} of the accuracy."
    return Column(
        key=f"{ABILITY}{ability}",
        header=ability_title(ability),
        unit="%",
        hint=f"{mean}{counts} After it, half its 95% interval over items.",
        cell=lambda line: ability_cell(line.row, tasks, within),
        value=lambda line: ability_score(line.row, tasks, within).value,
    )


def _task(name: str) -> Column:
    def value(line: Line) -> float | None:
        found = task_score_of(line.row, name)
        return found.value if found else None

    return Column(
        key=f"{TASK}{name}", header=name, unit="", hint="In %, where it is a share.",
        cell=lambda line: task_cell(line.row, name),
        value=value,
    )  # fmt: skip
