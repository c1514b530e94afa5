"""A metric of a candidate in the unit that it is shown in."""

from __future__ import annotations

from leaderboard.pages.frame import scaled
from leaderboard.rows.metric import Metric
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Interval


def shown(metric: Metric, row: Row) -> float | None:
    """The row's number in the shown unit; None where it was not measured."""
    value = row.value(metric.key)
    return None if value is None else metric.unit.scale(value)


def shown_interval(metric: Metric, row: Row) -> Interval | None:
    """The number's 95 % interval in the shown unit; None where none is known."""
    return scaled(row.number(metric.key).interval, metric.unit.scale)
