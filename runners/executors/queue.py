"""Which block runs on which node next: pure bookkeeping, without a scheduler."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_TRIES = 3
"""A block that took three nodes down is not given to a fourth."""


@dataclass(slots=True)
class BlockQueue:
    """Blocks that wait, run and were lost; one at a time on each node, so that nothing runs beside
    what is timed.
    """

    waiting: deque[int]
    """Block numbers; the timed ones first, since they take longest."""
    running: dict[int, str] = field(default_factory=dict)
    """Block -> node."""
    tries: dict[int, int] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    """Blocks that were given up -> why."""

    @classmethod
    def of(cls, blocks: Iterable[int]) -> BlockQueue:
        """A queue of blocks, in the order in which they should start."""
        return cls(waiting=deque(blocks))

    @property
    def over(self) -> bool:
        """True when no block waits or runs."""
        return not self.waiting and not self.running

    def start(self, nodes: Iterable[str]) -> list[tuple[int, str]]:
        """Give waiting blocks to the nodes that are free; pairs of block and node."""
        busy = set(self.running.values())
        started = []
        for node in nodes:
            if self.waiting and node not in busy:
                block = self.waiting.popleft()
                self.running[block] = node
                self.tries[block] = self.tries.get(block, 0) + 1
                started.append((block, node))
        return started

    def done(self, block: int) -> None:
        """A block has ended, well or not."""
        del self.running[block]

    def node_lost(self, block: int, why: str) -> None:
        """A block's node is gone: the whole block goes to another, unless it was tried often."""
        del self.running[block]
        if self.tries[block] >= MOST_TRIES:
            self.lost[block] = f"{why}; it was tried on {self.tries[block]} nodes"
        else:
            self.waiting.appendleft(block)

    def strand(self, why: str) -> None:
        """No node is left: give up what waits."""
        self.lost.update(dict.fromkeys(self.waiting, why))
        self.waiting.clear()
