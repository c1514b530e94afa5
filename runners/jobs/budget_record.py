"""A budget as a record tells of it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.spec_file import check_spec
from runners.compute.budget import Budget
from runners.compute.budget_use import CHECKED, NOT_ENFORCED, NOT_SPEED
from runners.records.circumstances import BudgetInfo, EnforcedInfo

if TYPE_CHECKING:
    from runners.compute.limits import Held


def budget_info(budget: Budget, held: Held | None) -> BudgetInfo:
    """The record's `budget`: what was asked for and by what it was enforced (None: not asked for).

    Nothing in it is of one run alone: records are told apart by it.
    """
    checked = {} if budget.vram_bytes is None else {"vram": CHECKED}
    enforced = EnforcedInfo(
        memory=_enforced(budget.memory_bytes, held.memory if held else None),
        cpus=_enforced(budget.cpus, held.cpus if held else None),
        **checked,
    )
    return BudgetInfo(**budget.said(), enforced=enforced, note=NOT_SPEED)


def recorded_budget(info: BudgetInfo, where: str) -> Budget:
    """The budget that a record's `budget` tells of.

    Args:
        info: what `budget_info` made.
        where: for messages, e.g. the run's id.

    Raises:
        SpecError: it is none.
    """
    asked = {name: getattr(info, name) for name in Budget.model_fields}
    asked["memory"], asked["vram"] = asked.pop("memory_bytes"), asked.pop("vram_bytes")
    return check_spec(asked, Budget, where=f"{where}: budget")


def _enforced(asked: float | None, by: str | None) -> str | None:
    return None if asked is None else by or NOT_ENFORCED
