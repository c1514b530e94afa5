"""Ranges and ticks of logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leaderboard.units import format_number

NEAR = 0.2
"""Powers of ten beyond the values within which a limit is still drawn to scale."""


def log_range(values: Sequence[float], limit: float | None = None) -> tuple[float, float]:
    """Range of the horizontal axis in powers of ten, with room for points and labels.

    Args:
        values: of the points.
        limit: drawn to scale where it is near them.
    """
    if not values:
        return 0.0, 1.0
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max(0.06, 0.12 * (high - low))
    left, right = low - room, high + room
    if limit is not None and limit > 0:
        at = math.log10(limit)
        if left - NEAR < at < right + NEAR:
            left, right = min(left, at - room / 2), max(right, at + room / 2)
    return left, right


def log_ticks(span: tuple[float, float]) -> dict[str, object]:
    """Ticks at round numbers: plotly's own leave a log axis of less than a decade nearly bare.

    Args:
        span: of `log_range`.
    """
    left, right = span
    mantissas: tuple[float, ...] = (1.0,)
    if right - left < 0.4:
        mantissas = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0)
    elif right - left < 1.3:
        mantissas = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    elif right - left < 4:
        mantissas = (1.0, 2.0, 5.0)
    found = [
        mantissa * 10.0**power
        for power in range(math.floor(left), math.ceil(right) + 1)
        for mantissa in mantissas
        if left <= math.log10(mantissa) + power <= right
    ]
    return {
        "tickvals": found,
        "ticktext": [format_number(value) for value in found],
        "range": [left, right],
    }
