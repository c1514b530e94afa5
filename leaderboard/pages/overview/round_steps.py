"""Stops of the board's sliders: round numbers about the values that there are."""

from __future__ import annotations

import math
from collections.abc import Iterable

MOST = 24
_MANTISSAS = (1.0, 2.0, 2.5, 5.0)


def geometric(values: Iterable[float | None], chosen: float | None = None) -> list[float]:
    """Round stops in nearly equal ratios, from below the least value to the largest or above.

    Args:
        values: positive; what is missing or 0 counts not.
        chosen: one that must be among them.

    Returns:
        Ascending, of two significant digits; as many as MOST and the chosen one.
    """
    known = [value for value in values if value is not None and 0 < value < math.inf]
    if not known:
        return _with([], chosen)
    low, high = _round(min(known) * 0.95, up=False), _round(max(known), up=True)
    count = MOST - 1
    ratio = (high / low) ** (1 / count)
    inner = (_round(low * ratio**i, up=True) for i in range(count))
    return _with([low, *(value for value in inner if low < value < high), high], chosen)


def linear(values: Iterable[float | None], chosen: float | None = None) -> list[float]:
    """Equal and round steps for shares in per cent; otherwise like `geometric`."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return _with([], chosen)
    width = _width((max(known) - min(known)) / (MOST - 4))
    first, last = math.floor(min(known) / width), math.ceil(max(known) / width)
    return _with([round(width * i, 6) for i in range(first, last + 1)], chosen)


def _with(stops: list[float], chosen: float | None) -> list[float]:
    return sorted({*stops, *([] if chosen is None else [chosen])})


def _round(value: float, *, up: bool) -> float:
    """Round to two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    whole = value / unit
    near = round(whole)
    exact = math.isclose(whole, near, rel_tol=1e-9)
    return float(f"{(near if exact else math.ceil(whole) if up else math.floor(whole)) * unit:.2g}")


def _width(least: float) -> float:
    """The smallest round step that is at least so wide, and at least 0.1."""
    least = max(least, 0.1)
    unit = 10.0 ** math.floor(math.log10(least) + 1e-9)
    return next((m * unit for m in _MANTISSAS if m * unit >= least * (1 - 1e-9)), 10.0 * unit)
