"""What context costs one candidate: score, first token and peak memory at each length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.score import Score, score_of_part
from leaderboard.units import mib
from runners.records.contexts import ContextInfo
from runners.records.record import Record

K = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPoint:
    """One length that was run."""

    name: str
    """Task or group."""
    about: ContextInfo
    score: Score | None
    """Score with its interval; None: its answers were not scored."""

    @property
    def label(self) -> str:
        """Its length in words: `4k`."""
        return length_name(self.about.tokens)


def length_name(tokens: int) -> str:
    """Tokens in thousands of 1,024 where they are such: `4k`, else `1,500`."""
    return f"{tokens // K}k" if tokens % K == 0 else f"{tokens:,}"


def context_points(record: Record) -> tuple[ContextPoint, ...]:
    """The lengths that a run answered, the shortest first."""
    found = [
        ContextPoint(name=name, about=about, score=_score(record, name))
        for name, about in record.contexts.items()
        if not about.not_run
    ]
    return tuple(sorted(found, key=lambda point: point.about.tokens))


def not_run(record: Record) -> list[str]:
    """Lengths that were not asked, with the reason: `8k to 128k: context 4,096`."""
    reasons: dict[str, list[int]] = {}
    for about in record.contexts.values():
        if about.not_run:
            reasons.setdefault(about.not_run, []).append(about.tokens)
    return [f"{_lengths(sorted(tokens))}: {why}" for why, tokens in reasons.items()]


def growth(points: Sequence[ContextPoint]) -> str:
    """How much memory 1,024 more tokens take, in a sentence; empty where that is not known.

    It is the difference of the peaks in the shortest and the longest context, by that of their
    lengths.
    """
    known = [
        (point.about.opened, point.about.peak_bytes, point.label)
        for point in points
        if point.about.opened and point.about.peak_bytes
    ]
    if len(known) < 2:
        return ""
    (short, low, first), (long, high, last) = known[0], known[-1]
    if long <= short or high <= low:
        return ""
    each = mib(high - low) / (long - short) * K
    return (
        f"From {first} to {last} the peak grows by {mib(high - low):,.0f} MiB: {each:,.1f} MiB for "
        "each 1,024 tokens of context."
    )


def _lengths(tokens: Sequence[int]) -> str:
    named = [length_name(one) for one in tokens]
    return f"{named[0]} to {named[-1]}" if len(named) > 2 else " and ".join(named)


def _score(record: Record, name: str) -> Score | None:
    tasks = {task: one for task, one in record.accuracy.items() if one.group == name}
    found = score_of_part(name, tasks) if tasks else None
    return found if found and found.value is not None else None
