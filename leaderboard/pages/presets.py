"""Computers that a reader may have in mind, for which limits are set with one click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.row import Row
from leaderboard.units import format_size

HEADROOM_PERCENT = 20.0
"""Share of a computer's memory that is kept for the app around the model, unless it is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A computer and its memory."""

    name: str
    """Name of the budget, for `--budget`."""
    memory_bytes: int
    vram_bytes: int | None = None
    """Memory of its GPU; None: it has none, or that is not said."""

    @property
    def title(self) -> str:
        """Its name and memory."""
        gpu = f", GPU {format_size(self.vram_bytes)}" if self.vram_bytes else ""
        return f"{self.name} ({format_size(self.memory_bytes)}{gpu})"


def offered(known: Sequence[Preset], rows: Sequence[Row]) -> tuple[Preset, ...]:
    """The computers to offer beside rows: those with a GPU only where a candidate was on one."""
    gpu = any(row.record.gpu is not None for row in rows)
    return tuple(one for one in known if gpu or one.vram_bytes is None)


def left_for_model(memory_bytes: float, headroom_percent: float) -> float:
    """Memory that a model may use when a share of it is kept for the app, bytes."""
    return memory_bytes * (1 - headroom_percent / 100)
