"""Cells of the ranked table: a number with its interval, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.choose.overview import Line
from leaderboard.rows.abilities import ability_score
from leaderboard.rows.flags import said
from leaderboard.rows.metric import Metric
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.stats.intervals import Interval
from leaderboard.units import MISSING, format_measured, format_number, points


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value of one candidate, ready to be shown."""

    text: str
    spread: str = ""
    """Half the 95 % interval, in the same unit."""
    hint: str = ""
    """Text of the tooltip: counts, or the reason for a missing value."""
    muted: bool = False
    """Shown in grey: it is not told from guessing."""


def rank_text(line: Line) -> str:
    """`1`, `2=` where several tie, `excluded` outside the limits, a dash without an accuracy."""
    if line.rank is None:
        return "excluded" if line.reasons else MISSING
    return f"{line.rank}=" if line.tied > 1 else str(line.rank)


def accuracy_cell(line: Line) -> Cell:
    """The accuracy of a candidate, with its tasks weighted."""
    if line.accuracy is None:
        return missing(line.row, line.row.unscored or "not every item was answered")
    return _proportion(line.accuracy, line.interval, f"{line.items:,} items" if line.items else "")


def metric_cell(row: Row, metric: Metric) -> Cell:
    """A time, a rate, a size or a fact, with its interval where it varies from run to run."""
    number, scale = row.number(metric.key), metric.unit.scale
    if number.value is None:
        return missing(row)
    if metric.over == "items":
        return _proportion(number.value, number.interval, row.basis(metric))
    hint = row.basis(metric) if metric.varies else ""
    if number.basis:
        # `largest of 5 runs` says how many they are.
        hint = number.basis if number.basis.endswith(hint) else f"{number.basis}, {hint}"
    elif metric.varies and number.interval is None:
        hint += ": no interval, one run says nothing of the next"
    shown, half = metric.unit.number(scale(number.value)), ""
    if number.interval:
        shown, half = format_measured(scale(number.value), scale(number.interval.half))
    # A slow end says which: `1,254 (p90)`.
    which = f" ({number.basis.partition(' ')[0]})" if metric.pool and number.basis else ""
    return Cell(text=f"{shown}{which}", spread=half, hint=hint)


def _proportion(value: float, interval: Interval | None, hint: str) -> Cell:
    half = f"{points(interval.half):.1f}" if interval else ""
    return Cell(text=f"{points(value):.1f}", spread=half, hint=hint)


def flags_cell(line: Line) -> Cell:
    """Cell of warnings, with the details of the run that is shown."""
    record = line.row.record
    details = [f"{flag.name}: {flag.detail}" for flag in said(record)]
    if record.error:
        details.insert(0, f"{record.error.phase}: {record.error.message}")
    return Cell(text=", ".join(line.row.flags), hint="; ".join(dict.fromkeys(details)))


def missing(row: Row, otherwise: str = "not measured") -> Cell:
    """The cell of a number that there is not, with the reason."""
    error = row.record.error
    if row.record.status == "completed":
        return Cell(text=MISSING, hint=otherwise)
    why = f": {error.phase}: {error.message}" if error else ""
    return Cell(text=MISSING, hint=f"{row.record.status}{why}")


def ability_cell(row: Row, names: Sequence[str], tasks: Mapping[str, float]) -> Cell:
    """The mean of an ability's tasks, in grey where its interval reaches down to guessing.

    Args:
        row: the candidate.
        names: of the tasks and groups.
        tasks: weights, 1 where not named.
    """
    found = ability_score(row, names, tasks)
    if found.value is None:
        return missing(row, found.reason)
    low = found.interval.low if found.interval else 0.0
    guessed = found.chance is not None and low <= found.chance
    told = ", not significantly above guessing" if guessed else ""
    cell = _proportion(found.value, found.interval, f"{found.n:,} items{told}")
    return replace(cell, muted=guessed)


def task_score_of(row: Row, name: str) -> Score | None:
    """A row's score of one task or group."""
    return next((one for one in row.scores if one.name == name), None)


def task_cell(row: Row, name: str) -> Cell:
    """The score of one task, in % where it is a share."""
    found = task_score_of(row, name)
    if found is None or found.value is None:
        return missing(row, found.unusable if found and found.unusable else "not measured")
    if found.interval is None:
        why = f"; not in the mean: {found.left_out}" if found.left_out else ""
        hint = f"{found.metric}, {found.n:,} items{why}"
        return Cell(text=format_number(found.value), hint=hint)
    guessed = found.told_from_chance is False
    told = ", not significantly above guessing" if guessed else ""
    hint = f"{found.metric}, {found.n:,} items{told}"
    return replace(_proportion(found.value, found.interval, hint), muted=guessed)
