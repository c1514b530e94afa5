"""Several tests at once: p values that keep their promise for the whole family."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: below 5 %, so is the chance of any false alarm in all.

    Args:
        p_values: shape (k,): of the family, in any order, dependent or not.

    Returns:
        Shape (k,), in the same order: the running maximum of (k - rank) · p, rank from 0, at
        most 1.

    Raises:
        ValueError: one is not a probability.

    For a gate, where one false alarm is one too many.
    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    _check(p_values)
    k = len(p_values)
    adjusted, running = [1.0] * k, 0.0
    for rank, i in enumerate(sorted(range(k), key=p_values.__getitem__)):
        running = max(running, min(1.0, (k - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values: of those below q, at most the share q is false, on average.

    Args:
        p_values: shape (k,): of the family, in any order; independent or positively dependent.

    Returns:
        Shape (k,), in the same order: the running minimum, from the largest down, of
        k / rank · p, rank from 1.

    Raises:
        ValueError: one is not a probability.

    For a board, where a reader looks at many differences and can bear a few that are not there.
    Source: Y. Benjamini & Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995)
    289-300.
    """
    _check(p_values)
    k = len(p_values)
    adjusted, running = [1.0] * k, 1.0
    order = sorted(range(k), key=p_values.__getitem__, reverse=True)
    for rank, i in zip(range(k, 0, -1), order, strict=True):
        running = min(running, k / rank * p_values[i])
        adjusted[i] = running
    return adjusted


def _check(p_values: Sequence[float]) -> None:
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"a p value of {p} is not a probability")
