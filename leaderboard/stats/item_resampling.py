"""What other items might have shown: several candidates' means over items, drawn many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
PRIOR = 0.5
"""Shape of a pseudo-item's weight, all tasks together: Jeffreys' prior has half a success."""
_DECIMALS = 9
"""Equal answers must draw equal means, and a matrix product may differ in its last bits."""
_CHUNK = 2**21
"""Weights drawn at once: 16 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """One task's items, answered by every candidate."""

    scores: Floats
    """Shape (n, m), 0 to 1: n items, m candidates; NaN where one was not asked an item."""
    groups: npt.NDArray[np.intp]
    """Shape (n,), from 0: items with the same number share a passage and are drawn as one."""


def item_means(tasks: Sequence[Items], shares: Sequence[float]) -> Floats:
    """Each candidate's mean score, as if all had been asked all items; shape (m,).

    Args:
        tasks: shape (k,), k >= 1; at least one candidate was asked all items.
        shares: shape (k,), adding up to 1: what a task counts.
    """
    means = [
        share * _as_if_all(task.scores).mean(axis=0)
        for task, share in zip(tasks, shares, strict=True)
    ]
    return np.asarray(np.sum(means, axis=0), dtype=np.float64)


def resample_items(
    tasks: Sequence[Items], shares: Sequence[float], rng: np.random.Generator, draws: int
) -> Floats:
    """Means over items whose weights are drawn anew, for all candidates alike.

    Args:
        tasks: shape (k,), k >= 1, of the same m candidates.
        shares: shape (k,), adding up to 1: what a task counts.
        rng: seeded by the caller.
        draws: how many.

    Returns:
        Shape (draws, m), each column about the candidate's own mean (`item_means`).

    The Bayesian bootstrap (D. B. Rubin, Annals of Statistics 9 (1981) 130-134), a weight a passage,
    with a prior: beside the items lies a pseudo-item for each candidate that it alone answers
    right. Its weight in a task is Gamma(share / 2), so that over equal tasks it adds up to one of
    Gamma(1/2). Without it, one item that only the first answers right is right in every draw, and
    certainty is complete. For two candidates of which one is right where the other is wrong, k
    times and never the other way round, the first is ahead as often as Jeffreys' posterior
    Beta(k + 1/2, 1/2) lies above 1/2: 82, 92, 97 and 99 % for k = 1, 2, 3 and 5.
    Candidates that gave the same answers share their pseudo-item: nothing tells them apart.
    """
    first, column = _distinct(tasks)
    drawn = np.zeros((draws, len(first)))
    for task, share in zip(tasks, shares, strict=True):
        if share > 0:
            drawn += share * _resample(task.scores[:, first], task.groups, share, rng, draws)
    return np.asarray(np.round(drawn, _DECIMALS)[:, column], dtype=np.float64)


def resample_tasks(
    tasks: Sequence[Items], shares: Sequence[float], rng: np.random.Generator, draws: int
) -> list[Floats]:
    """The tasks' own means in the draws of `resample_items`, given the same arguments and seed.

    Args:
        tasks: shape (k,), k >= 1, of the same m candidates.
        shares: shape (k,), adding up to 1: what a task counts.
        rng: seeded as for `resample_items`.
        draws: how many.

    Returns:
        k arrays of shape (draws, m). A task that counts nothing is drawn after the others, as if
        it were the only one.
    """
    first, column = _distinct(tasks)
    counting = [i for i, share in enumerate(shares) if share > 0]
    order = [*counting, *(i for i, share in enumerate(shares) if share <= 0)]
    found: dict[int, Floats] = {}
    for i in order:
        scores, share = tasks[i].scores[:, first], shares[i] if shares[i] > 0 else 1.0
        drawn = _resample(scores, tasks[i].groups, share, rng, draws)
        found[i] = np.asarray(np.round(drawn, _DECIMALS)[:, column], dtype=np.float64)
    return [found[i] for i in range(len(tasks))]


def _distinct(tasks: Sequence[Items]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """A column for each set of equal answers, and of each candidate which of these is its own."""
    _, column = np.unique(
        np.nan_to_num(np.concatenate([task.scores for task in tasks]), nan=-1.0),
        axis=1,
        return_inverse=True,
    )
    column = column.reshape(-1)
    return np.unique(column, return_index=True)[1], column


def _resample(
    scores: Floats,
    groups: npt.NDArray[np.intp],
    share: float,
    rng: np.random.Generator,
    draws: int,
) -> Floats:
    """One task's means, shape (draws, m); over the items that a candidate was asked."""
    sizes = np.bincount(groups).astype(np.float64)
    lacking = np.isnan(scores)
    some = bool(lacking.any())
    shared = (_usual(scores) if some else np.zeros(len(scores)))[:, None]
    sums = _by_group(np.where(lacking, 0.0, scores - shared), groups, len(sizes))
    asked = _by_group(~lacking, groups, len(sizes)) if some else sizes[:, None]
    if some:  # who was asked none is as good as usual, as unsure as one asked all
        asked[:, lacking.all(axis=0)] = sizes[:, None]
    everybody = _by_group(shared, groups, len(sizes)) if some else None
    usual = math.fsum(sizes**2) / math.fsum(sizes)  # a passage flips as one: so does a pseudo-one
    drawn = np.empty((draws, scores.shape[1]))
    step = max(1, _CHUNK // len(sizes))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        weights = rng.standard_exponential((count, len(sizes)))
        prior = rng.gamma(PRIOR * share, size=(count, scores.shape[1])) - PRIOR * share
        means = (weights @ sums + usual * prior) / (weights @ asked)
        if everybody is not None:
            means += (weights @ everybody) / (weights @ sizes)[:, None]
        drawn[start : start + step] = means
    return drawn


def _by_group(values: npt.NDArray[Any], groups: npt.NDArray[np.intp], count: int) -> Floats:
    """Sums over the items of each group."""
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, groups, values)
    return sums


def _as_if_all(scores: Floats) -> Floats:
    """Fill in the scores of items that a candidate was not asked.

    In place of a missing one stands the usual score of that item, moved by what the candidate is
    better than usual at those it was asked. The mean is then the difference estimator: W. G.
    Cochran, Sampling Techniques (1977), section 7.3.
    """
    lacking = np.isnan(scores)
    if not lacking.any():
        return scores
    usual = _usual(scores)[:, None]
    asked = np.maximum(1, (~lacking).sum(axis=0))  # of none it is as good as usual
    better = np.nansum(scores - usual, axis=0) / asked
    return np.where(lacking, usual + better, scores)


def _usual(scores: Floats) -> Floats:
    """Mean score of each item over the candidates that were asked all, shape (n,)."""
    whole = ~np.isnan(scores).any(axis=0)
    return np.asarray(scores[:, whole].mean(axis=1), dtype=np.float64)
