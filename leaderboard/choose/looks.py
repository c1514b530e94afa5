"""One look at candidates whose items are still being answered: who is told from the leader."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.choose.ranking import difference_over
from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.rows.peers import side_by_side
from leaderboard.rows.row import row
from leaderboard.stats.group_sequential import (
    LEVEL,
    Look,
    critical_values,
    level_at,
    two_sided_p,
)
from leaderboard.stats.item_resampling import Items, item_means

FLIPS, OF_ITEMS = 1.0, 12.0
"""What every task is taken to have shown beforehand: two candidates differ in 8 % of the items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Judgement at one look."""

    look: Look
    critical_z: float
    """Standard errors of their difference that two candidates must lie apart."""
    order: tuple[int, ...]
    """Columns, the most accurate first."""
    outside: tuple[int, ...]
    """Columns that are significantly less accurate than the first."""
    flips: tuple[float, ...]
    """Share of the items of each set on which two of the candidates differ, on average."""
    detectable: float | None
    """Smallest true difference of the first two that is found with 80 % probability; None of one
    candidate."""


def judge_items(
    sets: Sequence[Items],
    shares: Sequence[float],
    *,
    past: Sequence[Look],
    chance: float,
    begun: int,
) -> Judged:
    """Judge candidates by the items that all of them were asked until now.

    Args:
        sets: of the tasks' items, a column a candidate.
        shares: what each counts in the mean.
        past: looks before this one.
        chance: of a false difference that may be spent until here.
        begun: candidates that the comparison began with, at least as many as there are columns.

    Returns:
        A candidate is outside where Compare's own test of it against the leader rejects at the
        level that this look leaves to one pair.
    """
    flips = tuple(_flips(one) for one in sets)
    variance = math.fsum(
        share**2 * flip / len(one.scores)
        for one, share, flip in zip(sets, shares, flips, strict=True)
    )
    least = past[-1].information if past else 0.0
    look = Look(information=max(least, 1 / variance), spent=chance)
    z = critical_values([*past, look], max(2, begun))[-1]
    level = min(LEVEL, two_sided_p(z))
    order = sorted(range(sets[0].scores.shape[1]), key=(-item_means(sets, shares)).__getitem__)
    against = {
        column: difference_over(sets, shares, (order[0], column), level_at(z))
        for column in order[1:]
    }
    return Judged(
        look=look,
        critical_z=z,
        order=tuple(order),
        outside=tuple(c for c, one in against.items() if one.difference < 0 and one.p <= level),
        flips=flips,
        detectable=against[order[1]].detectable if against else None,
    )


def _flips(items: Items) -> float:
    """Mean squared difference of two candidates' scores over the items, with a weak prior."""
    pairs = list(itertools.combinations(range(items.scores.shape[1]), 2))
    squares = [np.sum((items.scores[:, a] - items.scores[:, b]) ** 2) for a, b in pairs]
    shown = float(np.mean(squares)) if pairs else 0.0
    return (shown + FLIPS) / (len(items.scores) + OF_ITEMS)


def judge_answers(
    answers: Sequence[Answers], *, past: Sequence[Look], chance: float, begun: int
) -> tuple[Judged, dict[str, float]] | None:
    """Judge candidates by their records and samples.

    Args:
        answers: of each candidate, of the same items.
        past: looks before this one.
        chance: of a false difference that may be spent until here.
        begun: candidates that the comparison began with.

    Returns:
        The judgement, columns as the answers come, and by task or group the share of items on
        which two of them differ; None where they cannot be laid side by side.
    """
    rows = [row(one.record) for one in answers]
    scores = {one.record.run_id: one.scores for one in answers}
    clusters: dict[ItemKey, Hashable] = {}
    for one in answers:
        clusters |= one.passages()
    tables = side_by_side(rows, scores, clusters)
    if not tables:
        return None
    sets = [one for parts in tables.values() for one in parts]
    names = [name for name, parts in tables.items() for _ in parts]
    shares = [1 / len(tables) / len(tables[name]) for name in names]
    judged = judge_items(sets, shares, past=past, chance=chance, begun=begun)
    flips: dict[str, list[float]] = {}
    for name, share in zip(names, judged.flips, strict=True):
        flips.setdefault(name, []).append(share)
    return judged, {name: math.fsum(found) / len(found) for name, found in flips.items()}
