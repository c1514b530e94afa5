"""The items of a comparison with a given time: what there is, and what a stage takes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evals.tasks.proportion import in_proportion
from runners.batches.shares import LEAST, Pool

if TYPE_CHECKING:
    from runners.batches.pace import Pace
    from runners.jobs.prepared import PreparedTask

CALIBRATION = 2
"""Items of each task or group by which the speed is measured; they count like all others."""
FLIPS = 1 / 12
"""Share of items on which two candidates differ, as long as nothing is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The suite's items by part: a part is a task, or a group whose tasks count together."""

    sizes: Mapping[str, Mapping[str, int]]
    """Part -> task -> items that there are."""
    alike: frozenset[str] = frozenset()
    """Parts whose tasks count the same whatever their size, so that none may go unasked."""

    @classmethod
    def of(cls, tasks: Sequence[PreparedTask]) -> Self:
        """The agenda of a suite's tasks."""
        sizes: dict[str, dict[str, int]] = {}
        for task in tasks:
            sizes.setdefault(task.loaded.group, {})[task.loaded.name] = len(task.items)
        alike = frozenset(task.loaded.group for task in tasks if not task.loaded.by_size)
        return cls(sizes=sizes, alike=alike)

    @property
    def parts(self) -> dict[str, str]:
        """Task -> its part."""
        return {task: part for part, sizes in self.sizes.items() for task in sizes}

    @property
    def total(self) -> int:
        """Items that there are."""
        return sum(sum(sizes.values()) for sizes in self.sizes.values())

    def by_task(self, items: Mapping[str, int]) -> dict[str, int]:
        """Divide the items of each group among its tasks.

        In proportion to their sizes, so that its mean estimates the same however many are asked.
        Where its tasks count alike each has one item first.
        """
        found: dict[str, int] = {}
        for part, sizes in self.sizes.items():
            each = part in self.alike
            divided = in_proportion(items.get(part, 0), list(sizes.values()), each=each)
            found |= dict(zip(sizes, divided, strict=True))
        return found

    def by_part(self, items: Mapping[str, int]) -> dict[str, int]:
        """Items of each part."""
        return {
            part: sum(items.get(task, 0) for task in sizes) for part, sizes in self.sizes.items()
        }

    def calibration(self) -> dict[str, int]:
        """Items of each task that are asked first, to learn how long they take."""
        return self.by_task(dict.fromkeys(self.sizes, CALIBRATION))

    def least(self, part: str) -> int:
        """Fewest items of a part by which candidates are judged: some of each of its tasks."""
        sizes = self.sizes[part]
        return min(sum(sizes.values()), max(LEAST, len(sizes)))

    def smallest(self, done: Mapping[str, int]) -> dict[str, int] | None:
        """Items of each task at the end of the smallest next stage, where no speed is known.

        Args:
            done: items of each task that were asked.

        Returns:
            The fewest by which candidates are judged, or twice what is done; None where there is
            no more.
        """
        asked = self.by_part(done)
        found = self.by_task({part: max(self.least(part), 2 * asked[part]) for part in self.sizes})
        return found if sum(found.values()) > sum(asked.values()) else None

    def pools(
        self, done: Mapping[str, int], paces: Sequence[Pace], flips: Mapping[str, float]
    ) -> dict[str, Pool]:
        """What there is of each part, and what it costs and tells.

        Args:
            done: items of each task that were asked.
            paces: of the candidates that are left.
            flips: part -> share of items on which two candidates differ, as far as it is known.
        """
        usual = math.fsum(flips.values()) / len(flips) if flips else FLIPS
        asked = self.by_part(done)
        return {
            part: Pool(
                done=asked[part],
                most=sum(sizes.values()),
                least=self.least(part),
                second_s=math.fsum(pace.per_item(part) for pace in paces),
                flips=flips.get(part, usual),
            )
            for part, sizes in self.sizes.items()
        }


def variance(pools: Mapping[str, Pool], items: Mapping[str, int]) -> float:
    """Variance of the difference between two candidates' means over parts, each counting once."""
    return (
        math.fsum(pool.flips / max(1, items[part]) for part, pool in pools.items())
        / len(pools) ** 2
    )
