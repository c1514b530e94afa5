"""A run's items, measured again by somebody else: does what the record says come out?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from scipy.stats import binom, binomtest

from leaderboard.rows.answers import ItemKey
from leaderboard.stats.intervals import wilson

if TYPE_CHECKING:
    from leaderboard.rows.answers import Answers

Verdict = Literal["agrees", "differs", "cannot tell"]
LEVEL = 0.01
"""An honest record is called different in one of a hundred verifications, at most, by each test."""
USUAL_FLOOR = 0.06
"""Share of choices that another machine's kernels change, where the record has no noise floor: of
quantised small models packing changes 4 to 5 %."""
OTHER_KERNELS = 0.02
"""Added to the floor, which is of packing on one machine alone."""
FAR_NATS = 1.0
"""Median distance of choices' log-likelihoods from which it was another model, or other prompts."""
POWER = 0.95
LEAST_ITEMS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The record's answers to a sample of its items, beside those of another machine."""

    verdict: Verdict
    reason: str
    items: int
    changed: int
    """Items whose score came out otherwise."""
    better_there: int
    """Items among these that the record scores higher."""
    nats: float | None
    """Median distance of the choices' log-likelihoods; None where no item has any."""
    floor: float
    """Share of changed items that is no reason for doubt."""
    noticed: float | None
    """Share of invented answers that such a sample shows with 95 % probability; None where none."""


def judge_again(there: Answers, here: Answers, keys: Sequence[ItemKey]) -> Again:
    """Lay a sample of a record's items beside the same items, measured again.

    Args:
        there: of the record.
        here: measured now.
        keys: the items that were asked again; those that came out as other items are missing here.
    """
    floor = _floor(there)
    known = {key: score for part in here.scores.values() for key, score in part.items()}
    said = {key: score for part in there.scores.values() for key, score in part.items()}
    both = [key for key in keys if key in known and key in said]
    moved = [(said[key], known[key]) for key in both if said[key] != known[key]]
    better = sum(a > b for a, b in moved)
    distances = [d for key in both if (d := _distance(there, here, key)) is not None]
    nats = median(distances) if distances else None
    n = len(both)
    verdict, reason = _verdict(n, len(keys), len(moved), better, nats, floor)
    return Again(
        verdict=verdict, reason=reason, items=n, changed=len(moved), better_there=better,
        nats=nats, floor=floor, noticed=_noticed(n, floor) if n else None,
    )  # fmt: skip


def _verdict(
    n: int, asked: int, changed: int, better: int, nats: float | None, floor: float
) -> tuple[Verdict, str]:
    if n < asked:
        return "cannot tell", (
            f"{asked - n} of {asked} items are other prompts or answers here than in the record: "
            "another version of the task, or of its data"
        )
    if n < LEAST_ITEMS:
        return "cannot tell", f"{n} items are too few; --items {LEAST_ITEMS} or more"
    if nats is not None and nats > FAR_NATS:
        return "differs", (
            f"the choices' log-likelihoods lie {nats:.2f} nats apart in the median: another model, "
            "or other prompts"
        )
    if binom.sf(changed - 1, n, floor) < LEVEL:
        return "differs", (
            f"{changed} of {n} items came out otherwise, where up to {floor:.0%} may by other "
            "kernels"
        )
    if changed and binomtest(better, changed, 0.5).pvalue < LEVEL:
        return "differs", (
            f"of {changed} items that came out otherwise the record has {better} right and this "
            f"machine {changed - better}: rounding takes no side"
        )
    return "agrees", f"{changed} of {n} items came out otherwise, within {floor:.0%}"


def _floor(there: Answers) -> float:
    """Share of items that may change honestly: the upper bound of the record's own noise floor."""
    floor = there.record.noise_floor
    if floor is None or not floor.items or floor.changed is None:
        return USUAL_FLOOR + OTHER_KERNELS
    return wilson(floor.changed, floor.items).high + OTHER_KERNELS


def _noticed(n: int, floor: float) -> float | None:
    """The smallest share of invented items that the test on changed ones finds with 95 % power.

    An invented answer is taken to come out otherwise always, an honest one as often as the floor.
    """
    least = int(binom.isf(LEVEL, n, floor)) + 1
    for percent in range(1, 101):
        share = percent / 100
        if binom.sf(least - 1, n, share + (1 - share) * floor / 2) >= POWER:
            return share
    return None


def _distance(there: Answers, here: Answers, key: ItemKey) -> float | None:
    a, b = (side.cell(key, "logprobs") for side in (there, here))
    if not a or not b or len(a) != len(b) or None in (*a, *b):
        return None
    return max(abs(float(x) - float(y)) for x, y in zip(a, b, strict=True))
