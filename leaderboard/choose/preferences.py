"""Which of the candidates that tie: what a reader prefers, and what fidelity costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from leaderboard.compare.fidelity import Fidelity
from leaderboard.rows.row import Row
from leaderboard.rows.view import Prefer

Judge = Callable[[Row, Row], Fidelity | None]
"""Function that measures the second row's answers against those of the first, the reference; None:
not known."""


def pick(tied: Sequence[Row], prefer: Prefer) -> Row:
    """The row that a reader prefers of some between which no accuracy difference was found.

    Args:
        tied: at least one, most accurate first.
        prefer: least peak memory, most decoded tokens/s, or the best estimate of accuracy.

    Returns:
        Of equals the more accurate; what was not measured comes last.
    """
    if prefer == "accurate":
        return tied[0]
    if prefer == "fastest":
        return max(tied, key=lambda row: row.value("decode") or 0.0)
    return min(tied, key=lambda row: (_or_last(row.value("memory")), _or_last(row.value("disk"))))


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
