"""What a comparison with a given time asks of its judge, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from runners.batches.timed_journal import LookTaken
    from runners.batches.timed_stage import Stage

FURTHER_S = 1800.0
"""Further time whose worth is told at the end."""


class Verdict(NamedTuple):
    """Judgement of the candidates that are left."""

    information: float
    spent: float
    critical_z: float
    leaving: tuple[tuple[int, str], ...]
    """Places of those that are asked no more, each with why."""
    flips: dict[str, float]
    detectable: float | None
    settled: bool
    """True where more items of those that stay would change nothing."""


class Judge(Protocol):
    """Judges candidates that were asked the same."""

    def __call__(
        self, stages: Sequence[Stage], past: Sequence[LookTaken], share: float, begun: int
    ) -> Verdict | None:
        """Judge what is answered when a share of the time is over; None: there is no comparison."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a comparison with a given time ended."""

    given_s: float
    used_s: float
    begun: int
    """Candidates that were to be compared, with those that could not be had or failed."""
    left: tuple[str, ...]
    """Those that were asked until the end."""
    settled: bool
    """True where more time would have changed nothing: one was told from all others, or fidelity
    tells the rest."""
    slow: tuple[str, ...]
    """Those that were asked no more because they turned slow."""
    looks: tuple[tuple[LookTaken, int], ...]
    """Looks, each with the items of a candidate."""
    exhausted: bool
    """True where every item that there is was answered by all of them."""
    needed_s: float | None
    """Seconds that the smallest comparison takes, where there was no look; None: nothing tells, or
    more time would not help."""
    further: tuple[int, float] | None
    """Items of each candidate, and the part of the detectable difference that would be left, after
    FURTHER_S more; None: the suite has no more."""
