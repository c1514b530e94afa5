"""The course of a comparison with a given time: how many looks, when, and what each asks.

`weighin run --time` follows it, and `--dry-run` shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from runners.batches.shares import next_items

if TYPE_CHECKING:
    from runners.batches.agenda import Agenda
    from runners.batches.pace import Pace
    from runners.batches.shares import Pool

MOST_LOOKS, OVERHEAD = 5, 0.2
"""Looks, and the share of the time that their processes may take to start and to load."""
SAFETY = 0.9
"""Part of what is left that a look plans with: a candidate may be slower than before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Even parts of the time between the calibration's end and the last answer."""

    begin_s: float
    end_s: float
    looks: int

    @classmethod
    def of(cls, paces: Sequence[Pace], used_s: float, end_s: float) -> Self:
        """The course of what is left when the candidates' speed is known.

        Args:
            paces: of the candidates; of one alone there is nothing to compare, and one look.
            used_s: seconds that are over.
            end_s: when nothing is asked any more.
        """
        process_s = max(0.1, math.fsum(pace.process_s for pace in paces))
        looks = int(OVERHEAD * (end_s - used_s) / process_s)
        most = MOST_LOOKS if len(paces) > 1 else 1
        return cls(begin_s=used_s, end_s=end_s, looks=min(most, max(1, looks)))

    def following(
        self, pools: Mapping[str, Pool], paces: Sequence[Pace], used_s: float, taken: int
    ) -> dict[str, int] | None:
        """Items of each part at the end of the next look; None where there is no time for one.

        Args:
            pools: what is done, and what more costs.
            paces: of the candidates that are left.
            used_s: seconds that are over.
            taken: looks that were taken.
        """
        process_s = math.fsum(pace.process_s for pace in paces)
        share = min(1.0, (taken + 1) / self.looks)
        upto_s = self.begin_s + (self.end_s - self.begin_s) * share
        whole_s = SAFETY * (self.end_s - used_s) - process_s
        found = next_items(pools, min(upto_s - used_s - process_s, whole_s))
        return found or next_items(pools, whole_s)


class Planned(NamedTuple):
    """A stage as it is expected."""

    name: str
    items: int
    """Items of each candidate that are answered then."""
    ends_s: float


def planned(agenda: Agenda, paces: Sequence[Pace], end_s: float) -> Iterator[Planned]:
    """Stages of a comparison in which every candidate stays until the end.

    Args:
        agenda: the suite's items.
        paces: of the candidates, from earlier runs.
        end_s: when nothing is asked any more.
    """
    done = agenda.calibration()
    used_s = math.fsum(pace.run_s(agenda.by_part(done)) for pace in paces)
    yield Planned("calibration", sum(done.values()), used_s)
    course = Course.of(paces, used_s, end_s)
    process_s = math.fsum(pace.process_s for pace in paces)
    taken = 0
    while used_s < end_s:
        pools = agenda.pools(done, paces, {})
        found = course.following(pools, paces, used_s, taken)
        if found is None:
            return
        new = {part: items - pools[part].done for part, items in found.items()}
        used_s += process_s + math.fsum(pace.answering_s(new) for pace in paces)
        done, taken = agenda.by_task(found), taken + 1
        yield Planned(f"look {taken}", sum(done.values()), used_s)
