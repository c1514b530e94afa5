"""How long one candidate may take for a stage, so that none takes the others' time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.batches.agenda import Agenda
    from runners.batches.pace import Pace

PAIR = 2
SLOWER, SPARE_S = 3.0, 10.0
"""Times what was expected, and seconds more, that a candidate may take for a stage."""


def expected_s(
    pace: Pace | None, agenda: Agenda, stages: Sequence[Mapping[str, int]], stage: int
) -> float | None:
    """Seconds that a candidate takes for a stage at its pace; None where that is not known."""
    if pace is None or stage == 0:
        return None
    now, before = agenda.by_part(stages[stage]), agenda.by_part(stages[stage - 1])
    new = {part: count - before[part] for part, count in now.items()}
    return pace.process_s + pace.answering_s(new)


def within_s(
    expected_s: float | None, slowdown: float | None, *, left_s: float, candidates: int
) -> float:
    """Seconds after which a candidate is ended that has not come to a stage's end.

    Args:
        expected_s: at its pace.
        slowdown: how many times that an earlier one of this stage took; None: it is the first
            that answers something, so that the machine may have turned slow for all.
        left_s: of the whole time.
        candidates: that are left.
    """
    if expected_s is None or candidates <= PAIR:
        return left_s  # without it there is no comparison
    most_s = SLOWER * (slowdown or 1.0) * expected_s + SPARE_S
    return min(left_s, most_s if slowdown else max(most_s, left_s / 2))
