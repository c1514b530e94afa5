"""The computers among the budgets of the catalogue, as the board offers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners.compute.budget import Budget, budget_names, find_budget

if TYPE_CHECKING:
    from leaderboard.pages.presets import Preset


def presets(also: Sequence[Budget] = ()) -> tuple[Preset, ...]:
    """Every budget of the catalogue that is a computer, and others, by their memory.

    Args:
        also: budgets to offer, too; those without a memory limit are left out.
    """
    from leaderboard.pages.presets import Preset

    # The catalogue's plain sizes are steps of `weighin fit`, not computers.
    shipped = [find_budget(name) for name in budget_names() if not name.startswith("memory-")]
    found = {
        one.name: Preset(name=one.name, memory_bytes=one.memory_bytes, vram_bytes=one.vram_bytes)
        for one in (*shipped, *also)
        if one.memory_bytes is not None
    }
    return tuple(sorted(found.values(), key=lambda one: one.memory_bytes))
