"""Which of the candidates that tie: what a reader prefers, and what fidelity costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from leaderboard.compare.fidelity import Fidelity
from leaderboard.rows.row import Row
from leaderboard.rows.view import Prefer

SMALL = 0.005
"""Share below which more memory or less speed does not count against a candidate."""
Judge = Callable[[Row, Row], Fidelity | None]
"""Function that measures the second row's answers against those of the first, the reference; None:
not known."""


def pick(tied: Sequence[Row], prefer: Prefer) -> Row:
    """The row that a reader prefers of some between which no accuracy difference was found.

    Args:
        tied: at least one, most accurate first.
        prefer: least peak memory, most decoded tokens/s, or the best estimate of accuracy.

    Returns:
        Of those within SMALL of the least memory, or of the highest speed, the most accurate; what
        was not measured comes last.
    """
    if prefer == "accurate":
        return tied[0]
    if prefer == "fastest":
        speeds = [row.value("decode") or 0.0 for row in tied]
        return next(
            row for row, speed in zip(tied, speeds, strict=True)
            if speed >= max(speeds) * (1 - SMALL)
        )  # fmt: skip
    # The size on disk decides where no peak was measured.
    key = "memory" if any(row.value("memory") is not None for row in tied) else "disk"
    sizes = [_or_last(row.value(key)) for row in tied]
    return next(
        row for row, size in zip(tied, sizes, strict=True) if size <= min(sizes) * (1 + SMALL)
    )


def reference_of(row: Row, rows: Sequence[Row]) -> Row | None:
    """The quantisation that a row's fidelity is measured against: its family's largest.

    Args:
        row: any.
        rows: that were measured under the same conditions, whether they fit or not.

    Returns:
        None where the row is the largest itself, or has no weights file.
    """
    family = [one for one in rows if one.record.candidate.family == row.record.candidate.family]
    largest = max(family, key=lambda one: bits(one) or 0.0, default=None)
    if largest is None or bits(row) is None or (bits(largest) or 0.0) <= (bits(row) or 0.0):
        return None
    return largest


def bits(row: Row) -> float | None:
    """Bits per weight as they are in the file."""
    quantisation = row.record.candidate.quantisation
    return quantisation.bits_per_weight if quantisation else None


def faithful(
    tied: Sequence[Row], found: Mapping[str, Fidelity], margin: float | None
) -> tuple[Row, ...]:
    """The rows of a tie whose fidelity does not break the margin that a reader set.

    Args:
        tied: at least one.
        found: fidelity by run id.
        margin: of the perplexity ratio, 0.02 for 2 %; None: none was set, and nobody leaves.

    Returns:
        All of them where none would be left.
    """
    if margin is None:
        return tuple(tied)
    kept = [row for row in tied if not _broken(found.get(row.record.run_id), margin)]
    return tuple(kept or tied)


def _broken(found: Fidelity | None, margin: float) -> bool:
    return found is not None and found.verdict(margin) == "regressed"


def _or_last(value: float | None) -> float:
    return math.inf if value is None else value
