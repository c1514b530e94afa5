"""Admit the candidates that keep to limits, and give the reasons why others do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evals.abilities import ability_title
from leaderboard.rows.abilities import ability_score
from leaderboard.rows.classes import classes_of, in_classes, why_not_off_grid
from leaderboard.rows.gpu import OWN, VRAM, gpu_unknown
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import METRICS, WORKS_FROM, limited
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.units import format_percent
from runners.records.size_class import OFF_GRID

ABILITY = "ability:"
"""Prefix of a limit on an ability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityLimit:
    """The least score of an ability."""

    ability: str
    least: float
    """0 to 1."""
    shares: Mapping[str, float]
    """Share of each of its tasks in its mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for the chosen candidate. None: anything goes, also what is not known."""

    bounds: Mapping[str, float] = field(default_factory=dict)
    """Limits by key of METRICS: the most, or where higher is better the least, in the stored
    unit."""
    licences: frozenset[str] | None = None
    families: frozenset[str] | None = None
    architectures: frozenset[str] | None = None
    runtimes: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    """Classes of size, of which it must be in one; off-grid among them is asked beside."""
    abilities: tuple[AbilityLimit, ...] = ()

    @property
    def vary(self) -> bool:
        """True where other runs or items might meet or miss one of them."""
        return bool(self.abilities) or any(map(varies, self.bounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One limit that a candidate does not keep to, or is not known to."""

    limit: str
    """A key of METRICS or a field of Limits; `status` for what did not complete, `score` for what
    has no usable one."""
    text: str
    unknown: bool = False
    """The number is missing: it may fit, but nobody measured it."""
    needed: float | None = None
    """Limit that would admit the candidate, in its stored unit; None for what is no number."""
    over: float | None = None
    """Excess over the limit, or shortfall, as a share: 0.1 is a tenth."""


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


def varies(limit: str) -> bool:
    """True for a limit that other runs or items might meet or miss; facts of a file do not vary."""
    return limit.startswith(ABILITY) or (limit in METRICS and METRICS[limit].varies)


def _reasons(row: Row, limits: Limits, weights: Mapping[str, float] | None) -> Iterator[Reason]:
    if row.record.status != "completed":
        error = row.record.error
        why = f" ({error.phase}: {error.message})" if error else ""
        yield Reason(limit="status", text=f"{row.record.status}{why}")
    if row.unscored:
        yield Reason(limit="score", text=f"no suite score ({row.unscored})", unknown=True)
    for metric, limit in limited():
        if metric.key == VRAM and _needs_no_vram(row):
            continue
        bound = limits.bounds.get(metric.key)
        what, value = _held_against(row, metric, bound, weights)
        reason = _outside(value, what or limit.what, metric, bound)
        if reason:
            yield reason
    yield from _below(row, limits.abilities)
    candidate = row.record.candidate
    words = (
        ("licences", "licence", candidate.licence),
        ("families", "family", candidate.family),
        ("architectures", "architecture", candidate.architecture or ""),
        ("runtimes", "runtime", candidate.runtime),
    )
    for name, what, word in words:
        wanted: frozenset[str] | None = getattr(limits, name)
        if wanted is not None and word not in wanted:
            yield Reason(limit=name, text=f"{what} {word or 'unknown'}", unknown=not word)
    yield from _classes(row, limits.classes or frozenset())


def _classes(row: Row, wanted: frozenset[str]) -> Iterator[Reason]:
    found, size = classes_of(row.record), row.record.candidate.parameters
    if not in_classes(found, wanted - {OFF_GRID}):
        shown = "unknown" if size is None else METRICS["parameters"].unit.text(size)
        yield Reason(limit="classes", text=f"parameters {shown}", unknown=size is None)
    if not in_classes(found, wanted & {OFF_GRID}):
        yield Reason(limit="classes", text=f"not off-grid: {why_not_off_grid(row.record)}")


def _below(row: Row, limits: Sequence[AbilityLimit]) -> Iterator[Reason]:
    """Reasons for the abilities in which a row scores less than it must."""
    for one in limits:
        key, what = f"{ABILITY}{one.ability}", ability_title(one.ability)
        value = ability_score(row, list(one.shares), one.shares).value
        if value is None:
            yield Reason(limit=key, text=f"{what} not known", unknown=True)
        elif value < one.least:
            text = f"{what} {format_percent(value)} (at least {format_percent(one.least)})"
            over = one.least / value - 1 if value > 0 else math.inf
            yield Reason(limit=key, text=text, needed=value, over=over)


def _needs_no_vram(row: Row) -> bool:
    """True where nothing was on a GPU, or on one whose memory is the host's and counts there."""
    gpu = row.record.gpu
    return not gpu_unknown(row.record) if gpu is None else gpu.unified


def _held_against(
    row: Row, metric: Metric, bound: float | None, weights: Mapping[str, float] | None
) -> tuple[str, float | None]:
    """The number that a limit is held against, and its name where it is not the metric's own."""
    if metric.over == "items":
        return "", weighted_accuracy(row, weights)
    value = row.value(metric.key)
    if metric.key == "memory" and (tried := row.value(WORKS_FROM)) is not None:
        return "smallest memory limit that works", tried
    if metric.key == VRAM and value is None and bound is not None:
        own = row.value(OWN)
        if own is not None and own > bound:  # a lower bound: above the limit it decides
            return "GPU buffers", own
    return "", value


def _outside(value: float | None, what: str, metric: Metric, bound: float | None) -> Reason | None:
    if bound is None:
        return None
    if value is None:
        return Reason(limit=metric.key, text=f"{what} not known", unknown=True)
    if metric.within(value, bound):
        return None
    most = "at least" if metric.better == "higher" else "at most"
    text = f"{what} {metric.unit.text(value)} ({most} {metric.unit.text(bound)})"
    larger, smaller = (bound, value) if metric.better == "higher" else (value, bound)
    over = larger / smaller - 1 if smaller > 0 else math.inf
    return Reason(limit=metric.key, text=text, needed=value, over=over)
