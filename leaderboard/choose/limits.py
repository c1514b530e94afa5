"""Which candidates fit what one has, and why the others do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.units import format_mib, format_ms, format_number, format_percent, format_rate

MEASURED = ("max_peak_bytes", "min_decode_tokens_per_s", "max_ttft_p95_s", "min_accuracy")
"""Limits on what varies from run to run or from item to item; the others are facts of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the chosen candidate must keep to. None: anything goes, also what is not known."""

    max_peak_bytes: float | None = None
    """Peak memory of the latency phase."""
    min_decode_tokens_per_s: float | None = None
    max_ttft_p95_s: float | None = None
    """Time to first token that 95 % of the requests keep to, with the longest prompt."""
    min_accuracy: float | None = None
    """Of the suite's score, 0 to 1."""
    max_weights_bytes: float | None = None
    """On disk."""
    max_parameters: float | None = None
    max_bits_per_weight: float | None = None
    licences: frozenset[str] | None = None
    families: frozenset[str] | None = None
    runtimes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One limit that a candidate does not keep to, or is not known to."""

    limit: str
    """A field of Limits; `status` for what did not complete, `score` for what has no usable one."""
    text: str
    unknown: bool = False
    """The number is missing: it may fit, but nobody measured it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A candidate outside the limits."""

    row: Row
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Every row, on one side or the other, in the order in which they came."""

    admitted: tuple[Row, ...]
    refused: tuple[Refused, ...]


def admit(
    rows: Sequence[Row], limits: Limits, weights: Mapping[str, float] | None = None
) -> Admission:
    """Keep the rows within every limit, by their point estimates.

    Args:
        rows: of any machine and suite.
        limits: a limit that is raised, or taken away, never refuses what it admitted before.
        weights: of tasks and groups in the accuracy; 1 where not named.

    Returns:
        A row that did not complete, or whose score of a task cannot be used, is refused whatever
        the limits: it is nothing to ship.
    """
    judged = [(row, tuple(_reasons(row, limits, weights))) for row in rows]
    return Admission(
        admitted=tuple(row for row, reasons in judged if not reasons),
        refused=tuple(Refused(row=row, reasons=reasons) for row, reasons in judged if reasons),
    )


def weighted_accuracy(row: Row, weights: Mapping[str, float] | None = None) -> float | None:
    """The suite's score of a row, with tasks and groups weighted.

    Args:
        row: a row of the board.
        weights: by name, not negative; 1 where not named; None: the board's own score.

    Returns:
        0 to 1; None where nothing was scored, items are unanswered, or every weight is 0.
    """
    if weights is None or row.score is None:
        return row.score.value if row.score else None
    scores = usable(row)
    total = math.fsum(weights.get(s.name, 1.0) for s in scores)
    if total <= 0:
        return None
    return math.fsum(weights.get(s.name, 1.0) * (s.value or 0.0) for s in scores) / total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    limit: str
    what: str
    at_most: bool
    value: Callable[[Row], float | None]
    text: Callable[[float | None], str]


_BOUNDS = (
    _Bound(
        limit="max_peak_bytes",
        what="peak memory",
        at_most=True,
        value=lambda row: row.peak_bytes,
        text=format_mib,
    ),
    _Bound(
        limit="min_decode_tokens_per_s",
        what="decode speed",
        at_most=False,
        value=lambda row: row.decode_tokens_per_s,
        text=format_rate,
    ),
    _Bound(
        limit="max_ttft_p95_s",
        what="time to first token (p95)",
        at_most=True,
        value=lambda row: row.ttft_p95_s,
        text=format_ms,
    ),
    _Bound(
        limit="max_weights_bytes",
        what="size on disk",
        at_most=True,
        value=lambda row: row.weights_bytes,
        text=format_mib,
    ),
    _Bound(
        limit="max_parameters",
        what="parameters",
        at_most=True,
        value=lambda row: row.record.candidate.parameters,
        text=lambda count: format_rate(None if count is None else count / 1e6, "million"),
    ),
    _Bound(
        limit="max_bits_per_weight",
        what="bits per weight",
        at_most=True,
        value=lambda row: (
            q.bits_per_weight if (q := row.record.candidate.quantisation) is not None else None
        ),
        text=format_number,
    ),
)


def _reasons(row: Row, limits: Limits, weights: Mapping[str, float] | None) -> Iterator[Reason]:
    if row.record.status != "completed":
        error = row.record.error
        why = f" ({error.phase}: {error.message})" if error else ""
        yield Reason(limit="status", text=f"{row.record.status}{why}")
    if row.unscored:
        yield Reason(limit="score", text=f"no suite score ({row.unscored})", unknown=True)
    accuracy = _Bound(
        limit="min_accuracy",
        what="accuracy",
        at_most=False,
        value=lambda row: weighted_accuracy(row, weights),
        text=format_percent,
    )
    for bound in (*_BOUNDS, accuracy):
        reason = _outside(row, bound, getattr(limits, bound.limit))
        if reason:
            yield reason
    candidate = row.record.candidate
    words = (
        ("licences", "licence", candidate.licence),
        ("families", "family", candidate.family),
        ("runtimes", "runtime", candidate.runtime),
    )
    for limit, what, word in words:
        wanted: frozenset[str] | None = getattr(limits, limit)
        if wanted is not None and word not in wanted:
            yield Reason(limit=limit, text=f"{what} {word or 'unknown'}", unknown=not word)


def _outside(row: Row, bound: _Bound, limit: float | None) -> Reason | None:
    if limit is None:
        return None
    value = bound.value(row)
    if value is None:
        return Reason(limit=bound.limit, text=f"{bound.what} not known", unknown=True)
    if (value <= limit) if bound.at_most else (value >= limit):
        return None
    most = "at most" if bound.at_most else "at least"
    text = f"{bound.what} {bound.text(value)} ({most} {bound.text(limit)})"
    return Reason(limit=bound.limit, text=text)
