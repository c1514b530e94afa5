"""By how much clusters and unequal weights widen the interval of a group's score."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.rows.counting import as_share
from leaderboard.stats.intervals import right_or_wrong
from runners.records.record import TaskAccuracy


def group_design_effect(whole: TaskAccuracy, tasks: Sequence[TaskAccuracy]) -> float | None:
    """Variance of a group's score / variance of as many items from one pool, by Kish's definition.

    Args:
        whole: the group as one task: its score, pooled standard error and number of items.
        tasks: its members.

    Returns:
        None where some items are neither right nor wrong, or the score is 0 or 1.

    Source: L. Kish, Survey Sampling (1965), section 8.2.
    """
    share = as_share(whole)
    if not share.stderr or share.value is None or not 0 < share.value < 1:
        return None
    if not all(_right_or_wrong(as_share(task)) for task in tasks):
        return None
    return share.stderr**2 * (share.n - 1) / (share.value * (1 - share.value))


def _right_or_wrong(task: TaskAccuracy) -> bool:
    if task.value is None or task.stderr is None:
        return False
    return right_or_wrong(task.value, task.stderr, task.n, task.design_effect or 1.0)
