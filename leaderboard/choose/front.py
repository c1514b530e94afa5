"""The three-axis Pareto front: what nothing else beats on accuracy, speed and memory at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from leaderboard.choose.resampling import Peers
from leaderboard.rows.row import Row
from leaderboard.stats.item_resampling import Floats

Speed = Literal["decode", "ttft"]
MARKED = 0.5
"""Probability from which a row is marked as Pareto-optimal."""
_CELLS, _DRAWS = 2**15, 128
"""Points that are compared at a time, all draws together; and the fewest draws."""
_FEW, _PIVOTS = 256, 16
"""Points up to which all are compared with all; else those that are compared with all first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Position of one row relative to the Pareto front."""

    row: Row
    on_front: bool
    """True where it is Pareto-optimal by the point estimates, and as probably as not: a tenth of a
    point of noise marks nothing."""
    probability: float | None
    """Probability of being Pareto-optimal, had other items been asked and other runs been made.
    None: no place."""
    reason: str = ""
    """Why it has no place: what was not measured."""


def place(peers: Peers, *, speed: Speed = "decode") -> tuple[Placement, ...]:
    """Place rows on or off the front, with the probability of being on it.

    Args:
        peers: rows that are judged together.
        speed: decode tokens/s, where more is better, or TTFT, where less is.

    Returns:
        In the order of the rows. One that lacks an axis has no place and pushes nobody off.
    """
    reasons = [_missing(row, speed, peers.accuracy(row)) for row in peers.rows]
    known = [row for row, reason in zip(peers.rows, reasons, strict=True) if not reason]
    drawn = peers.of(known).draws
    fast = drawn.numbers[speed] if speed == "decode" else -drawn.numbers[speed]
    goods = np.stack([drawn.accuracy, fast, -drawn.numbers["memory"]], axis=-1)
    estimates = np.array([_goods(row, speed, peers.accuracy(row)) for row in known])
    points = on_front(estimates.reshape(len(known), 3))
    placed = iter(zip(points, on_front(goods).mean(axis=0), strict=True))
    found = []
    for row, reason in zip(peers.rows, reasons, strict=True):
        on, chance = (False, None) if reason else next(placed)
        probability = None if chance is None else float(chance)
        marked = bool(on) and probability is not None and probability >= MARKED
        found.append(Placement(row=row, on_front=marked, probability=probability, reason=reason))
    return tuple(found)


def on_front(goods: Floats) -> npt.NDArray[np.bool_]:
    """Mark the points that nothing dominates.

    Args:
        goods: shape (..., m, k): m points, more is better on each of the k axes.

    Returns:
        Shape (..., m). A point is dominated by one that is as good on every axis and better on
        one; of equal points none dominates another.
    """
    *outer, m, k = goods.shape
    flat = goods.reshape(math.prod(outer), m, k)
    found = np.ones((len(flat), m), dtype=bool)
    step = max(_DRAWS, _CELLS // max(1, m))
    for start in range(0, len(flat), step):
        part = flat[start : start + step]
        found[start : start + step] = _undominated(part)
    return found.reshape(*outer, m)


def _undominated(part: Floats) -> npt.NDArray[np.bool_]:
    """Drop what one of a few pivots dominates, compare the rest in pairs. Safe, because dominance
    is transitive.

    Args:
        part: shape (draws, m, k).
    """
    m = part.shape[1]
    if m <= _FEW:
        return ~_dominated(part)
    spread = part.std(axis=1, keepdims=True)
    scaled = (part - part.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    best = np.argpartition(-scaled.sum(axis=2), _PIVOTS, axis=1)[:, :_PIVOTS]
    left = ~_dominated_by(part, np.take_along_axis(part, best[:, :, None], axis=1))
    most = int(left.sum(axis=1).max())
    # Those that are left come first; the others, which fill a draw up, are worse than any.
    order = np.argsort(~left, axis=1, kind="stable")[:, :most]
    there = np.take_along_axis(left, order, axis=1)
    rest = np.take_along_axis(part, order[:, :, None], axis=1)
    rest[~there] = -np.inf
    found = np.zeros(part.shape[:2], dtype=bool)
    np.put_along_axis(found, order, there & ~_dominated(rest), axis=1)
    return found


def _dominated(part: Floats) -> npt.NDArray[np.bool_]:
    """Mark the points of shape (draws, m, k) that another point of the same draw dominates.

    In lexicographic order, the greatest first, only those before a point can dominate it, and the
    first axis need not be looked at again. Draws lie side by side in memory.
    """
    order = _descending(part)
    _, *others = sides = [
        np.ascontiguousarray(np.take_along_axis(part[:, :, axis], order, axis=1).T)
        for axis in range(part.shape[2])
    ]
    found = np.zeros(order.T.shape, dtype=bool)
    for i in range(1, len(found)):
        as_good = np.logical_and.reduce([side[:i] >= side[i] for side in others])
        equal = np.logical_and.reduce([side[i - 1] == side[i] for side in sides])
        found[i] = np.where(equal, found[i - 1], as_good.any(axis=0))
    placed = np.empty_like(found.T)
    np.put_along_axis(placed, order, found.T, axis=1)
    return placed


def _descending(part: Floats) -> npt.NDArray[np.intp]:
    """The lexicographic order of each draw's points; shape (draws, m)."""
    first = part[:, :, 0]
    order = np.argsort(-first, axis=1)
    ranked = np.take_along_axis(first, order, axis=1)
    tied = (ranked[:, 1:] == ranked[:, :-1]).any(axis=1)
    if tied.any():  # sorting by every axis takes three times as long
        order[tied] = np.lexsort(np.moveaxis(-part[tied], 2, 0)[::-1], axis=1)
    return order


def _dominated_by(part: Floats, by: Floats) -> npt.NDArray[np.bool_]:
    """Mark the points of shape (draws, m, k) that a point of shape (draws, n, k) dominates."""
    shape = (len(part), by.shape[1], part.shape[1])
    as_good = np.ones(shape, dtype=bool)  # [draw, j, i]: j is as good as i
    better = np.zeros(shape, dtype=bool)
    for axis in range(part.shape[2]):
        value, other = part[:, None, :, axis], by[:, :, None, axis]
        as_good &= other >= value
        better |= other > value
    return np.asarray((as_good & better).any(axis=1))


def _goods(row: Row, speed: Speed, accuracy: float | None) -> tuple[float, float, float]:
    fast = row.value(speed) or 0.0
    return accuracy or 0.0, fast if speed == "decode" else -fast, -(row.value("memory") or 0.0)


def _missing(row: Row, speed: Speed, accuracy: float | None) -> str:
    fast = "decode speed" if speed == "decode" else "time to first token"
    names = {"accuracy": accuracy, fast: row.value(speed), "peak memory": row.value("memory")}
    lacking = [name for name, value in names.items() if value is None]
    return f"{' and '.join(lacking)} not measured" if lacking else ""
