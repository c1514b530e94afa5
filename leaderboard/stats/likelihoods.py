"""Two candidates' perplexities of the same documents, by the documents' log-likelihoods."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leaderboard.stats.intervals import Interval

Floats = npt.NDArray[np.float64]
SEED = 20260102
"""Of the subsets: one gate gives the same figures wherever and whenever it is made."""
SUBSETS = 9_999
"""Drawn where there are more documents than can be taken in every combination."""
MOST_ENUMERATED = 13
"""Documents up to which every subset is taken: 8,191."""
_MOST_EXPONENT = 700.0
_CHUNK = 2**20
"""Entries of the matrix of subsets that is held at a time: 8 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodDifference:
    """The other's log-likelihoods below the reference's, a unit of weight: positive is worse."""

    reference: float
    """Nats a unit (word, byte or document): the logarithm of the perplexity. So is `other`."""
    other: float
    loss: float
    """other - reference: the logarithm of the ratio of the perplexities."""
    interval: Interval | None
    """None where so few documents rule nothing out."""
    stderr: float | None
    """None of a single document."""
    p: float
    """One-sided, of no loss: small where the other is worse."""
    documents: int
    clusters: int
    """Independent groups of documents; `documents` where no two belong together."""


def likelihood_difference(
    reference: Sequence[tuple[float, float]],
    other: Sequence[tuple[float, float]],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> LikelihoodDifference:
    """The paired difference of two perplexities.

    Args:
        reference: shape (n,), n >= 1: log-likelihood (nats) and weight of each document, where the
            weight is what the metric divides by: its words, its bytes, or 1.
        other: shape (n,): the same documents in the same order; the weights are the reference's.
        clusters: shape (n,): what a document shares with others; None: nothing.
        confidence: two-sided, of the interval.

    Returns:
        With D = reference's log-likelihood - other's and w the weight, the loss is sum D / sum w.
        Interval and p are of the loss in subsets of the documents: every subset of up to 13, else
        9,999 drawn with a fixed seed. Where documents' excess losses D - loss * w are as likely
        above 0 as below it, the true loss lies between any two such subset values with the
        probability that counting them gives (J. A. Hartigan, JASA 64 (1969) 1303-1317); p is then
        the exact sign-flip test. The standard error is that of a ratio, by linearisation.

    Raises:
        ValueError: no documents, lengths differ, a log-likelihood is not finite, or the weights
            are negative or all 0.
    """
    a, b = np.asarray(reference, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if not len(a) or a.shape != b.shape or (clusters is not None and len(clusters) != len(a)):
        raise ValueError(f"{len(a)} and {len(b)} log-likelihoods are not of the same documents")
    weights = a[:, 1]
    total = math.fsum(weights)
    if not np.isfinite([a, b]).all() or (weights < 0).any() or total <= 0:
        raise ValueError("a log-likelihood is not finite, or the weights are negative or all 0")
    names = range(len(a)) if clusters is None else clusters
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    member = np.array([number[name] for name in names])
    lost: Floats = np.bincount(member, weights=a[:, 0] - b[:, 0]).astype(np.float64)
    sizes: Floats = np.bincount(member, weights=weights).astype(np.float64)
    loss = math.fsum(lost) / total
    values = np.sort(_subset_losses(lost, sizes))
    tail = (1 - confidence) / 2
    kept = math.floor(tail * (len(values) + 1) + 1e-9)
    interval = None
    if kept:
        interval = Interval(low=float(values[kept - 1]), high=float(values[-kept]))
    return LikelihoodDifference(
        reference=-math.fsum(a[:, 0]) / total,
        other=-math.fsum(b[:, 0]) / total,
        loss=loss,
        interval=interval,
        stderr=_stderr(lost - loss * sizes, total),
        p=(1 + int((values <= 0).sum())) / (len(values) + 1),
        documents=len(a),
        clusters=len(number),
    )


def times(loss: float) -> float:
    """A loss of log-likelihood as the ratio of the perplexities; infinite beyond any float."""
    return math.exp(loss) if loss < _MOST_EXPONENT else math.inf


def _subset_losses(lost: Floats, sizes: Floats) -> Floats:
    """The loss in each of the subsets; shape (subsets,)."""
    m = len(lost)
    count = 2**m - 1 if m <= MOST_ENUMERATED else SUBSETS
    rng = np.random.default_rng(SEED)
    found = []
    step = max(1, _CHUNK // m)
    for start in range(0, count, step):
        rows = min(step, count - start)
        if m <= MOST_ENUMERATED:
            which = np.arange(start + 1, start + 1 + rows)[:, None] >> np.arange(m) & 1
        else:
            which = rng.integers(0, 2, size=(rows, m), dtype=np.int8)
        picked = which.astype(np.float64)
        weight = picked @ sizes
        some = weight > 0  # a subset of no weight, as of no document, stands for the whole
        loss = np.where(some, picked @ lost, lost.sum())
        found.append(loss / np.where(some, weight, sizes.sum()))
    return np.concatenate(found)


def _stderr(excess: Floats, total: float) -> float | None:
    m = len(excess)
    return math.sqrt(math.fsum(excess**2) * m / (m - 1)) / total if m > 1 else None
