"""The best of several looks better than it is: draws that take its luck back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
REACH = 2.0
"""Number of critical differences below the leader within which a candidate still contends."""
PRIOR = 0.25
"""Exponent of the spread's prior, (t² + s²)^(-1 - PRIOR): 0 is Jeffreys', 1 Strawderman's."""
_TINY = 1e-12


def shrink_draws(draws: Floats, estimates: Floats, rng: np.random.Generator, z: float) -> Floats:
    """Draws of true means, where those of `draws` are of estimates about them.

    Args:
        draws: shape (draws, m), about the estimates, with the errors that candidates share.
        estimates: shape (m,).
        rng: seeded by the caller.
        z: standard errors that two must lie apart (`critical_z`).

    Returns:
        The same shape. What lies more than twice the critical difference below the leader cannot
        be the best, says nothing of how far those apart lie that can, and stays as it is.

    The contenders' true means are taken as normal about a common one with variance t², their
    errors, about the mean of a draw, as of the same variance s². An estimate x then becomes
    mean + B (x - mean), B = t² / (t² + s²), and what a draw has beyond it counts sqrt(B). Each draw
    has its own t² from its posterior: w = 1 - B has density w^((g - 3) / 2 + PRIOR) exp(-w Q / 2)
    on 0 to 1, where g contend and Q is the sum of their squared distances from the mean over s².
    Sources: C. Stein (1956); W. E. Strawderman, Annals of Mathematical Statistics 42 (1971)
    385-388. PRIOR is the one that benchmarks/ship.py found to tell the truth most widely.
    """
    members = _contenders(draws, estimates, z)
    g = len(members)
    if g < 2:
        return draws
    centre = draws[:, members].mean(axis=1, keepdims=True)
    about = estimates[members] - estimates[members].mean()
    errors = draws[:, members] - centre - about
    variance = float((errors**2).mean()) * g / (g - 1)
    if variance < _TINY**2:
        return draws
    kept = 1 - _noise_shares(float((about**2).sum()) / variance, g, rng, len(draws))
    shrunk = draws.copy()
    shrunk[:, members] = centre + kept * about + np.sqrt(kept) * errors
    return shrunk


def _contenders(draws: Floats, estimates: Floats, z: float) -> npt.NDArray[np.intp]:
    if not len(estimates):
        return np.empty(0, dtype=np.intp)
    leader = int(estimates.argmax())
    spread = (draws - draws[:, [leader]]).std(axis=0)
    return np.flatnonzero(estimates[leader] - estimates <= REACH * z * spread + _TINY)


def _noise_shares(q: float, g: int, rng: np.random.Generator, draws: int) -> Floats:
    """Draws of w, shape (draws, 1), by the inverse of its distribution, a cut gamma one."""
    from scipy.special import gammainc, gammaincinv

    shape, rate = (g - 1) / 2 + PRIOR, q / 2
    uniform = rng.random((draws, 1))
    if rate < _TINY:
        return np.asarray(uniform ** (1 / shape))
    shares = gammaincinv(shape, uniform * gammainc(shape, rate)) / rate
    return np.asarray(np.clip(shares, 0.0, 1.0))
