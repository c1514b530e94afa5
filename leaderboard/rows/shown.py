"""Metrics that say something of some rows, and nothing of others."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import METRICS, axes
from leaderboard.rows.row import Row
from leaderboard.rows.thought import THOUGHT


def applies(metric: Metric, rows: Sequence[Row]) -> bool:
    """True unless a metric says nothing of these candidates: none of them thinks, or has it."""
    if metric.if_known:
        return any(row.value(metric.key) is not None for row in rows)
    return not metric.of_thought or any((row.value(THOUGHT) or 0.0) > 0 for row in rows)


def axes_of(rows: Sequence[Row], chosen: str = "") -> tuple[str, ...]:
    """Keys of what the accuracy of these rows is shown against, and the chosen one."""
    return tuple(key for key in axes() if key == chosen or applies(METRICS[key], rows))
