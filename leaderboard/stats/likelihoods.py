"""Two candidates' perplexities of the same documents, by the documents' log-likelihoods."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.stats.intervals import Interval
from leaderboard.stats.sign_flips import rate_loss

_MOST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodDifference:
    """The other's log-likelihoods below the reference's, a unit of weight: positive is worse."""

    reference: float
    """Nats a unit (word, byte or document): the logarithm of the perplexity. So is `other`."""
    other: float
    loss: float
    """other - reference: the logarithm of the ratio of the perplexities."""
    interval: Interval | None
    """95 % interval; None where so few documents rule nothing out."""
    stderr: float | None
    """Standard error; None for a single document."""
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
        With D = reference's log-likelihood - other's and w the weight, the loss is sum D / sum w,
        with interval, p and standard error as `rate_loss` gives them.

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
    found = rate_loss(a[:, 0] - b[:, 0], weights, clusters=clusters, confidence=confidence)
    return LikelihoodDifference(
        reference=-math.fsum(a[:, 0]) / total,
        other=-math.fsum(b[:, 0]) / total,
        loss=found.loss,
        interval=found.interval,
        stderr=found.stderr,
        p=found.p,
        documents=found.items,
        clusters=found.clusters,
    )


def times(loss: float) -> float:
    """A loss of log-likelihood as the ratio of the perplexities; infinite beyond any float."""
    return math.exp(loss) if loss < _MOST_EXPONENT else math.inf
