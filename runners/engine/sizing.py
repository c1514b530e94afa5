"""Size contexts: a scoring engine's by the bytes it takes, a task's by its prompts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.worker import protocol

WAVE_TOKENS = 512
"""Tokens evaluated together; on two cores speed is flat from 128 up, and attention is not."""
MOST_SEQUENCES, LEAST_SEQUENCES = 64, 8
ROW_COPIES = 2
"""A row of logits lies in the computation's buffer and in the one that it is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes that a model's parts take."""

    cell: int
    """One token in the KV cache."""
    state: int
    """One sequence's recurrent state."""
    row: int
    """The logits of one token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSize:
    """Capacity of an engine, and the bytes that it takes."""

    cells: int
    sequences: int
    rows: int
    """Rows of logits of one batch."""
    cache_bytes: int
    """Cells and states."""
    output_bytes: int


def engine_size(memory_bytes: int, footprint: Footprint, *, length: int) -> EngineSize:
    """The largest engine that `memory_bytes` allow.

    It never has fewer than the cells of one request of `length` tokens, eight sequences and a row
    of logits for each: with less it could not score at all.
    """
    cells = max(length, WAVE_TOKENS)
    row = ROW_COPIES * footprint.row
    room = memory_bytes - cells * footprint.cell
    each = footprint.state + row
    # Half of the room for sequences at most; the rest for more rows than one a sequence.
    sequences = min(MOST_SEQUENCES, max(LEAST_SEQUENCES, room // (2 * each)))
    rows = min(WAVE_TOKENS, max(sequences, (room - sequences * footprint.state) // row))
    return EngineSize(
        cells=cells,
        sequences=sequences,
        rows=rows,
        cache_bytes=cells * footprint.cell + sequences * footprint.state,
        output_bytes=rows * row,
    )


def context_length(
    message: protocol.OpenContext, encode: Callable[[str, bool], Sequence[object]], *, own: int
) -> int:
    """Tokens of the context that a message asks for, at most the candidate's `own`.

    A thought may take its whole limit in it, as far as the candidate's own context has room.
    """
    needed = (
        len(encode(item.prompt, True))
        + item.max_tokens
        + (item.thinking.max_tokens if item.thinking else 0)
        for item in message.items
    )
    return min(own, max([message.tokens, *needed]))
