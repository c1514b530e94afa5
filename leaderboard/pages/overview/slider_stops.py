"""Choices of the side bar: stops of its sliders and names to pick from, in the view's units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.choose.limits import weighted_accuracy
from leaderboard.pages.overview.round_steps import geometric, linear
from leaderboard.rows.metric import Limit, Metric
from leaderboard.rows.metrics import limited
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.rows.view import View, task_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Each slider's stops, ascending, and the names that occur; what was chosen is among them."""

    stops: Mapping[str, list[float]]
    """Stops by key of METRICS, for what can be limited."""
    licences: list[str]
    families: list[str]
    runtimes: list[str]
    tasks: list[str]
    """Tasks and groups that enter the accuracy."""


def offer(rows: Sequence[Row], view: View) -> Offers:
    """The choices that these rows allow."""
    candidates = [row.record.candidate for row in rows]
    return Offers(
        stops={metric.key: _stops(metric, limit, rows, view) for metric, limit in limited()},
        licences=_names([c.licence for c in candidates], view.licences),
        families=_names([c.family for c in candidates], view.families),
        runtimes=_names([c.runtime for c in candidates], view.runtimes),
        tasks=list(dict.fromkeys(score.name for row in rows for score in usable(row))),
    )


def _stops(metric: Metric, limit: Limit, rows: Sequence[Row], view: View) -> list[float]:
    chosen = view.limit(metric.key)
    if isinstance(limit.stops, tuple):
        return sorted({*limit.stops, *([] if chosen is None else [chosen])})
    if metric.over == "items":
        stored = [weighted_accuracy(row, task_weights(view)) for row in rows]
    else:
        stored = [row.value(metric.key) for row in rows]
    shown = [metric.unit.scale(value) for value in stored if value is not None]
    return (linear if limit.stops == "linear" else geometric)(shown, chosen)


def _names(found: Sequence[str], chosen: Sequence[str]) -> list[str]:
    return sorted({*(name for name in found if name), *chosen})
