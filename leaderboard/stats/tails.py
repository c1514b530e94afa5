"""The slow end of a set of times or rates: what so many values can say of it, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runners.records.latency import percentile

P90_FROM, P95_FROM = 20, 60
"""Values from which a 90th and a 95th percentile are told from the slowest value.

Of n independent values the slowest lies beyond the 95th percentile with probability 1 - 0.95^n:
95.1 % for 59, so that 59 values bound the percentile from one side with 95 % confidence. Of 20 two
lie beyond the 90th on average. Source: S. S. Wilks, Annals of Mathematical Statistics 12 (1941)
91-96.
"""
Slow = Literal["high", "low"]
"""Direction of the slow end: high for times, low for rates."""
_NAMES = {"high": ("maximum", "p90", "p95"), "low": ("minimum", "p10", "p5")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The slow end of some values."""

    name: str
    """`maximum`, `p90` or `p95`; of rates `minimum`, `p10` or `p5`."""
    value: float
    n: int

    @property
    def basis(self) -> str:
        """Name and number of values: `p90 of 25`."""
        return f"{self.name} of {self.n}"


def tail(values: Sequence[float], slow: Slow, *, fewest: int | None = None) -> Tail | None:
    """The furthest percentile toward the slow end that the values bear.

    Args:
        values: shape (n,), in any order.
        slow: which end.
        fewest: judge by so many values instead of n, e.g. by those of the smaller of two sets that
            are compared.

    Returns:
        The slowest value below 20 values, the 90th percentile from 20, the 95th from 60; of rates
        the least, the 10th, the 5th. None where there is no value.
    """
    if not values:
        return None
    ordered = sorted(values)
    n = len(ordered) if fewest is None else fewest
    step = (n >= P90_FROM) + (n >= P95_FROM)
    share = (1.0, 0.90, 0.95)[step]
    value = percentile(ordered, share if slow == "high" else 1 - share)
    return Tail(name=_NAMES[slow][step], value=value, n=len(ordered))
