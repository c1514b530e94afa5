"""Loss a unit of size, e.g. nats a token: by sign flips over items, or by Student's t.

Long texts dominate such a ratio, so on few items its t interval is too narrow. Sign flips are exact
there: what an item lost beyond the assumed rate is as likely to be gained.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leaderboard.stats.intervals import Interval

Floats = npt.NDArray[np.float64]
FLIPPED_BELOW = 300
"""Clusters below which signs are flipped."""
FLIPS, STUDENT = "sign flips", "Student's t of a ratio"
SEED = 20260102
"""Seed of the subsets: one comparison gives the same figures wherever and whenever it is made."""
SUBSETS = 9_999
"""Drawn where there are more clusters than can be taken in every combination."""
MOST_ENUMERATED = 13
"""Clusters up to which every subset is taken: 8,191."""
_CHUNK = 2**20
"""Entries of the matrix of subsets that is held at a time: 8 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLoss:
    """Loss a unit of size: positive is worse."""

    loss: float
    interval: Interval | None
    """95 % interval; None where so few items rule nothing out."""
    stderr: float | None
    """Standard error of a ratio, by linearisation; None for a single cluster."""
    p: float
    """One-sided, of no loss: small where there is one."""
    items: int
    clusters: int
    """Independent groups of items; `items` where no two belong together."""
    method: str
    """`FLIPS` or `STUDENT`."""


def rate_loss(
    lost: Sequence[float] | Floats,
    sizes: Sequence[float] | Floats,
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> RateLoss:
    """The loss a unit of size, sum(lost) / sum(sizes), with its interval.

    Args:
        lost: shape (n,), n >= 1: D, what each item lost, e.g. in nats.
        sizes: shape (n,): T, by what it is divided, e.g. the item's tokens; not negative.
        clusters: shape (n,): what an item shares with others; they flip as one. None: nothing.
        confidence: two-sided; each end of the interval is a test at half the rest.

    Returns:
        Below 300 clusters the interval holds every rate r that the exact sign-flip test of
        D - r T does not reject. Flipping a subset's signs makes the sum as large as it was seen
        just where the subset's own loss is r or less, so the limits are order statistics of the
        losses in subsets of the clusters (J. A. Hartigan, JASA 64 (1969) 1303-1317): in every
        subset of up to 13 clusters, else in 9,999 drawn with a fixed seed (an exact test, too: M.
        Dwass, Annals of Mathematical Statistics 28 (1957) 181-187). From 300 clusters on it is
        Student's t interval of a ratio (W. G. Cochran, Sampling Techniques, 1977, chapter 6).

    Raises:
        ValueError: no items, lengths differ, a number is not finite, or sizes are negative or all
            0.
    """
    d, t = np.asarray(lost, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    if not len(d) or d.shape != t.shape or (clusters is not None and len(clusters) != len(d)):
        raise ValueError(f"{len(d)} losses and {len(t)} sizes are not those of the same items")
    if not (np.isfinite(d).all() and np.isfinite(t).all()) or (t < 0).any() or not t.sum() > 0:
        raise ValueError("a loss is not finite, or the sizes are negative or all 0")
    names = range(len(d)) if clusters is None else clusters
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    member = np.array([number[name] for name in names])
    sums = _sums(member, d), _sums(member, t)
    total = math.fsum(t)
    loss = math.fsum(d) / total
    stderr = _stderr(sums[0] - loss * sums[1], total)
    flips = len(number) < FLIPPED_BELOW or stderr is None
    interval, p = (
        _by_flips(*sums, confidence)
        if flips
        else _by_t(loss, stderr or 0, len(number) - 1, confidence)
    )
    return RateLoss(
        loss=loss,
        interval=interval,
        stderr=stderr,
        p=p,
        items=len(d),
        clusters=len(number),
        method=FLIPS if flips else STUDENT,
    )


def _sums(member: npt.NDArray[np.intp], values: Floats) -> Floats:
    return np.bincount(member, weights=values).astype(np.float64)


def _by_flips(lost: Floats, sizes: Floats, confidence: float) -> tuple[Interval | None, float]:
    values = np.sort(_subset_losses(lost, sizes))
    tail = (1 - confidence) / 2
    kept = math.floor(tail * (len(values) + 1) + 1e-9)
    p = (1 + int((values <= 0).sum())) / (len(values) + 1)
    if not kept:
        return None, p
    return Interval(low=float(values[kept - 1]), high=float(values[-kept])), p


def _by_t(loss: float, stderr: float, freedom: int, confidence: float) -> tuple[Interval, float]:
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(freedom, (1 + confidence) / 2)) * stderr
    p = float(stdtr(freedom, -loss / stderr)) if stderr else float(loss <= 0)
    return Interval(low=loss - half, high=loss + half), p


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
            numbers = np.arange(start + 1, start + 1 + rows)[:, None]
            picked = (numbers >> np.arange(m) & 1).astype(np.float64)
        else:
            bits = rng.integers(0, 256, size=(rows, -(-m // 8)), dtype=np.uint8)
            picked = np.unpackbits(bits, axis=1, count=m).astype(np.float64)
        weight = picked @ sizes
        some = weight > 0  # a subset of no weight, as of no item, stands for the whole
        loss = np.where(some, picked @ lost, lost.sum())
        found.append(loss / np.where(some, weight, sizes.sum()))
    return np.concatenate(found)


def _stderr(excess: Floats, total: float) -> float | None:
    m = len(excess)
    return math.sqrt(math.fsum(excess**2) * m / (m - 1)) / total if m > 1 else None
