"""How many items of each task to ask next, in a given time: pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 8
"""Fewest items of a task at the first look; of a group at least one of each of its tasks."""
MOST_UNLIKE = 4.0
"""No task gets more than so many times the mean share, nor less than this part of it."""
GROWTH = 1.1
"""A look that adds less than a tenth is not worth its processes."""
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One task or group: what there is of it, and what it costs and tells."""

    done: int
    """Items that every candidate was asked."""
    most: int
    """Items that there are."""
    least: int
    """Fewest that will do at a look."""
    second_s: float
    """Seconds that one more item takes, for all candidates together."""
    flips: float
    """Share of items on which two candidates differ: how often they do, never who is right."""


def next_items(pools: Mapping[str, Pool], seconds: float) -> dict[str, int] | None:
    """Items of each pool at the end of the next look.

    Args:
        pools: by task or group.
        seconds: that the new items may take.

    Returns:
        As many as the time allows, in proportion to √(flips / seconds) of each pool: the mean over
        tasks, in which each counts the same whatever its items, is then known best (J. Neyman,
        Journal of the Royal Statistical Society 97 (1934) 558-606, with unequal costs). Never
        fewer than are done. None where not even the least is to be had, or that was and hardly
        anything is left.
    """
    ideal = {name: math.sqrt(one.flips / max(one.second_s, 1e-9)) for name, one in pools.items()}
    mean = math.fsum(ideal.values()) / len(ideal)
    shares = {
        name: min(max(value, mean / MOST_UNLIKE), mean * MOST_UNLIKE) / mean
        for name, value in ideal.items()
    }
    low, high = 0.0, 2.0 * max(one.most / shares[name] for name, one in pools.items())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if cost_s(pools, _at(pools, shares, middle)) <= seconds:
            low = middle
        else:
            high = middle
    found = _at(pools, shares, low)
    done = sum(one.done for one in pools.values())
    judged = all(one.done >= min(one.least, one.most) for one in pools.values())
    worth = not judged or sum(found.values()) >= GROWTH * done + 1
    return found if worth and cost_s(pools, found) <= seconds else None


def cost_s(pools: Mapping[str, Pool], items: Mapping[str, int]) -> float:
    """Seconds that the items take which are not done yet."""
    return math.fsum((items[name] - one.done) * one.second_s for name, one in pools.items())


def least_s(pools: Mapping[str, Pool]) -> float:
    """Seconds that the smallest next look takes."""
    return cost_s(pools, _at(pools, dict.fromkeys(pools, 0.0), 0.0))


def _at(pools: Mapping[str, Pool], shares: Mapping[str, float], level: float) -> dict[str, int]:
    found = {}
    for name, one in pools.items():
        wanted = max(one.done, one.least, math.floor(level * shares[name]))
        found[name] = min(wanted, one.most)
    return found
