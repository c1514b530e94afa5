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


def first_line(error: BaseException) -> str:
    """The first line of a scheduler's or lender's error, cut to 200 letters."""
    return str(error).strip().partition("\n")[0][:200]


def kind_and_line(error: BaseException) -> str:
    """The kind of such an error and its first line."""
    text = first_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
