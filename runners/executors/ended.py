"""How a block ended on another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.executors.block_run import BlockRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A block that came to its end, or will not."""

    block: int
    node: str
    ran: BlockRun | None
    """Result; None where the block was given up."""
    why: str = ""
    """Why it was given up."""
