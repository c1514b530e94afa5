"""Ways to weigh abilities that the exported file offers, each judged when the file is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evals.abilities import OTHER, ability_title
from leaderboard.choose.overview import Line
from leaderboard.pages.overview.columns import known_columns
from leaderboard.rows.abilities import abilities, counted, task_weights, told_apart, weighing
from leaderboard.rows.metrics import ACCURACY
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.text import html

JUDGED = (ACCURACY, "front")
"""Columns of the table whose numbers depend on what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One way to weigh."""

    name: str = "tasks"
    """Name in the address."""
    title: str = "every task"
    weights: tuple[tuple[str, float], ...] = ()
    """By ability; empty: every task counts the same."""
    first: bool = True
    """True for the one that is shown first."""

    @property
    def suffix(self) -> str:
        """End of the names of its figures."""
        return "" if self.first else f"@{self.name}"

    @property
    def words(self) -> str:
        """A sentence on what counts."""
        if not self.weights:
            return "Every task counts the same."
        return f"The accuracy is for {weighing(dict(self.weights))}."

    def of(self, view: View) -> View:
        """A view that weighs so."""
        return replace(view, ability_weights=self.weights)


def weighings(view: View, rows: Sequence[Row]) -> list[Weighing]:
    """The ways to weigh, the view's own first.

    Args:
        view: what the file was asked for.
        rows: of one suite.

    Returns:
        One alone where the suite measures one ability: there is nothing to weigh.
    """
    found = abilities(rows)
    if not told_apart(found):
        return [Weighing(weights=view.ability_weights)]
    asked = tuple(counted(view, found).items())
    alike = tuple((one, 1.0) for one in found)
    given = [
        *([Weighing(name="asked", title=weighing(dict(asked)), weights=asked)] if asked else []),
        Weighing(),
        Weighing(name="abilities", title="every ability", weights=alike),
        *(
            Weighing(name=one, title=ability_title(one), weights=((one, 1.0),))
            for one in found
            if one != OTHER
        ),
    ]
    by_tasks: dict[str, Weighing] = {}
    for one in given:  # two that weigh the tasks the same are one
        by_tasks.setdefault(repr(task_weights(one.of(view), rows)), one)
    return [replace(one, first=i == 0) for i, one in enumerate(by_tasks.values())]


def weighing_buttons(found: Sequence[Weighing]) -> str:
    """Buttons for what counts, and a sentence on it; nothing where there is one way alone."""
    if len(found) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-counts="{html(one.name)}" aria-pressed="false">'
        f"{html(one.title)}</button>"
        for one in found
    )
    return (
        '<div class="prefer counts" role="group" aria-label="What counts">'
        f"<span>What counts</span>{buttons}</div>"
        '<p class="small"><span id="counted"></span> These were judged when the file was written; '
        "for other weights: <code>weighin export --weights tools=3,code=1</code>, or the board.</p>"
    )


def judged_cells(lines: Sequence[Line]) -> dict[str, dict[str, dict[str, Any]]]:
    """Cells of the table that depend on what counts: digest -> column -> what it shows."""
    known = known_columns([line.row for line in lines])
    found = {}
    for line in lines:
        cells = {}
        for key in JUDGED:
            cell, value = known[key].cell(line), known[key].value(line)
            cells[key] = {"text": cell.text, "spread": cell.spread, "hint": cell.hint,
                          "value": "" if value is None else str(value)}  # fmt: skip
        found[line.row.record.candidate.digest] = cells
    return found
