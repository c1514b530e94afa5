"""Items of a group, divided among its tasks."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def in_proportion(total: int, sizes: Sequence[int], *, each: bool = False) -> list[int]:
    """Divide a number of items among tasks in proportion to their sizes, as seats among parties.

    Args:
        total: items to draw; more than there are: all.
        sizes: shape (tasks,), each at least 1.
        each: no task gets a second item before all have one.

    Returns:
        Shape (tasks,). By Sainte-Laguë's divisors, so that a smaller total never gives a task more:
        its items are among those of a larger one.
    """
    parts = [0] * len(sizes)
    # The next item goes where size / (2 · items so far + 1) is greatest; the first of equals.
    first = max(sizes, default=0) if each else 0  # no other quotient is greater
    queue: list[tuple[float, int]] = [(-first - size, place) for place, size in enumerate(sizes)]
    heapq.heapify(queue)
    for _ in range(min(total, sum(sizes))):
        _, place = queue[0]
        parts[place] += 1
        left = parts[place] < sizes[place]
        heapq.heapreplace(queue, (-sizes[place] / (2 * parts[place] + 1) if left else 0.0, place))
    return parts
