"""A table of abilities, and what they come to with the weights that were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evals.abilities import ability_title
from leaderboard.choose.limits import weighted_accuracy
from leaderboard.choose.ranking import weighted_interval
from leaderboard.rows.abilities import (
    abilities,
    ability_score,
    counted,
    task_weights,
    told_apart,
)
from leaderboard.units import MISSING, points
from runners.cli.layout import Column, Grid, plain

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from leaderboard.rows.view import View
    from leaderboard.stats.intervals import Interval


def by_ability(rows: Sequence[Row], view: View) -> Grid | None:
    """Abilities down, a candidate's runs across, with the weighted accuracy where one was asked.

    Args:
        rows: of one suite.
        view: its weights by ability.

    Returns:
        None where the suite measures one ability only.
    """
    found = abilities(rows)
    if not told_apart(found):
        return None
    weights = counted(view, found)
    table = Grid(
        "accuracy by ability, % ± half the 95% interval over items",
        "ability",
        *(["weight %"] if weights else []),
        Column(heading="tasks", left=True, wrap=True, drop=1),
        "n",
        *("accuracy" for _ in rows),
    )
    for ability, tasks in found.items():
        scores = [ability_score(row, tasks, dict(view.weights)) for row in rows]
        table.add_row(
            plain(ability_title(ability)),
            *([_share(weights, ability)] if weights else []),
            plain(", ".join(tasks)),
            f"{max(score.n for score in scores):,}",
            *(_cell(score.value, score.interval) for score in scores),
        )
    if weights:
        given = task_weights(view, rows)
        whole = (_cell(weighted_accuracy(r, given), weighted_interval(r, given)) for r in rows)
        table.add_row("weighted", "100", "", "", *whole)
    return table


def _share(weights: Mapping[str, float], ability: str) -> str:
    return f"{points(weights.get(ability, 0.0) / sum(weights.values())):.0f}"


def _cell(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return MISSING
    half = f" \N{PLUS-MINUS SIGN} {points(interval.half):.1f}" if interval else ""
    return f"{points(value):.1f}{half}"
