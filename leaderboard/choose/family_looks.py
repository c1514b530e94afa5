"""Fidelity first: what quantisations of one model need no more items for.

Accuracy tells two of them apart on thousands of items, fidelity on dozens. So those that answer as
their largest does are settled, and one that answers worse than a cheaper one is asked no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.choose.preferences import SMALL, reference_of
from leaderboard.compare.fidelity import Fidelity, fidelity
from leaderboard.rows.answers import Answers
from leaderboard.rows.row import Row, row
from leaderboard.stats.group_sequential import LEVEL

MOST_LOOKS = 8
"""Looks among which the 5 % of these tests are shared, with the candidates of each."""
FASTER = 0.1
"""Share of speed from which on a candidate that is larger and answers worse is asked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyJudged:
    """What fidelity says of the candidates that are left."""

    beaten: tuple[int, ...]
    """Places of those of which a smaller one of their family answers more like its largest."""
    alike: bool
    """True where all others are of one family and none answers otherwise than its largest by the
    margin or more."""


def judge_families(answers: Sequence[Answers], begun: int) -> FamilyJudged:
    """Judge quantisations by their fidelity, at one look.

    Args:
        answers: of each candidate that is left, of the same items.
        begun: candidates that the comparison began with.

    Returns:
        Verdicts are those of `Fidelity.verdict` at its usual margin, with intervals that share 5 %
        among looks and candidates (Bonferroni).
    """
    rows = [row(one.record) for one in answers]
    confidence = 1 - LEVEL / MOST_LOOKS / max(1, begun)
    found = _fidelities(rows, answers, confidence)
    beaten = [
        place
        for place, one in enumerate(found)
        if one is not None
        and one.verdict() == "regressed"
        and any(
            _closer(other, one) and _no_dearer(rows[i], rows[place])
            for i, other in enumerate(found)
            if _kin(rows[i], rows[place])
            and (other is not None or reference_of(rows[place], rows) is rows[i])
        )
    ]
    stay = [place for place in range(len(rows)) if place not in beaten]
    families = {rows[place].record.candidate.family for place in stay}
    others = [one for place in stay if (one := found[place]) is not None]
    alike = len(families) == 1 and len(others) == len(stay) - 1 > 0
    passed = all(one.verdict() == "pass" for one in others)
    return FamilyJudged(beaten=tuple(beaten), alike=alike and passed)


def _fidelities(
    rows: Sequence[Row], answers: Sequence[Answers], confidence: float
) -> list[Fidelity | None]:
    """Each candidate's distance from its family's largest; None of that one itself, and where both
    are not known to come from the same weights.
    """
    places = {id(one): place for place, one in enumerate(rows)}
    found: list[Fidelity | None] = []
    for one, mine in zip(rows, answers, strict=True):
        reference = reference_of(one, rows)
        of = None
        if reference is not None:
            of = fidelity(answers[places[id(reference)]], mine, confidence=confidence)
        found.append(of if of is not None and of.same_weights else None)
    return found


def _kin(other: Row, one: Row) -> bool:
    return other.record.candidate.family == one.record.candidate.family


def _closer(other: Fidelity | None, one: Fidelity) -> bool:
    """True where another's answers are significantly closer to the largest's; None: it is that."""
    if one.interval is None:
        return False
    high = 1.0 if other is None else other.interval.high if other.interval else math.inf
    return high < one.interval.low


def _no_dearer(other: Row, one: Row) -> bool:
    """True where another takes less memory and is about as fast."""
    sizes, speeds = ((other.value(key), one.value(key)) for key in ("memory", "decode"))
    if sizes[0] is None or sizes[1] is None or sizes[0] > sizes[1] * (1 - SMALL):
        return False
    return not (speeds[0] and speeds[1] and speeds[0] < speeds[1] * (1 - FASTER))
