"""The last line of `compare`: what changed, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboard.compare.comparison import Comparison
    from leaderboard.compare.run_metrics import AxisComparison

VERDICTS = ("worse", "better", "cannot tell")
"""Words for an axis of the other side, in the order in which a conclusion names them."""


def told(axis: AxisComparison) -> str:
    """`better`, `worse` or `cannot tell` of the other side; empty without an interval."""
    ratio = axis.ratio
    if ratio is None or ratio.ratio == 1:
        return ""
    if axis.metric.varies:
        if ratio.interval is None:
            return ""
        if ratio.interval.low <= 1 <= ratio.interval.high:
            return "cannot tell"
    return "better" if (ratio.ratio > 1) == axis.more_is_better else "worse"


def conclusion(comparison: Comparison, names: Sequence[str]) -> str:
    """The changes in one sentence: accuracy, then the axes by the certainty of their change."""
    from leaderboard.gate.words import name

    axes: dict[str, list[str]] = {}
    for axis in comparison.axes:
        word = told(axis)
        if word:
            metric = f"{axis.axis}:{axis.workload}" if axis.workload else axis.axis
            axes.setdefault(word, []).append(name(metric))
    said = [f"{word}: {', '.join(axes[word])}" for word in VERDICTS if word in axes]
    return f"{names[1]} against {names[0]}: {'; '.join([_of_accuracy(comparison), *said])}."


def _of_accuracy(comparison: Comparison) -> str:
    whole = comparison.overall
    if whole is None:
        return "no accuracy of both"
    low, high = 100 * whole.interval.low, 100 * whole.interval.high
    by = f"{100 * whole.difference:+.1f} points, {low:+.1f} to {high:+.1f}"
    if low <= 0 <= high:
        return f"no significant accuracy difference ({by})"
    return f"accuracy {'better' if whole.difference > 0 else 'worse'} ({by})"
