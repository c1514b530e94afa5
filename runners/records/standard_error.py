"""The standard error of a mean over items of which some stand or fall together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Uncertainty of a mean over items."""

    stderr: float | None
    """Standard error; None for one cluster, which says nothing of the spread."""
    clusters: int
    design_effect: float
    """Clustered variance / plain variance, at least 1."""


def spread(values: Sequence[float], clusters: Sequence[Hashable]) -> Spread:
    """The clustered standard error of a mean.

    Args:
        values: shape (n,), n >= 1: one score an item.
        clusters: shape (n,): what an item shares with others.

    Returns:
        sqrt(G / (G - 1) · Σ (sum of a cluster's residuals)²) / n over G clusters, never below
        s / sqrt(n), which it is where every item is its own cluster. Where all values are alike the
        design effect is that of clusters whose items always go together.

    Source: K.-Y. Liang & S. L. Zeger, Biometrika 73 (1986) 13-22.
    """
    n, sizes = len(values), Counter(clusters)
    mean = math.fsum(values) / n
    sums = dict.fromkeys(sizes, 0.0)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value - mean
    groups = len(sizes)
    plain = math.fsum((value - mean) ** 2 for value in values) / max(n - 1, 1) / n
    if groups < 2 or plain == 0:
        together = sum(size**2 for size in sizes.values()) / n
        return Spread(stderr=None if groups < 2 else 0.0, clusters=groups, design_effect=together)
    clustered = math.fsum(part**2 for part in sums.values()) * groups / (groups - 1) / n**2
    effect = max(1.0, clustered / plain) if groups < n else 1.0
    return Spread(stderr=math.sqrt(plain * effect), clusters=groups, design_effect=effect)
