"""Sum up a comparison in one sentence: accuracy first, then times and memory that differ."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.compare.comparison import Comparison
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.rows.metric import longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.units import points

TOLD = ("decode", "ttft", "memory")
"""Keys of METRICS that are summed up."""
_WORDS = {
    "decode": ("faster", "slower"),
    "ttft": ("later first token", "earlier first token"),
    "memory": ("more memory", "less memory"),
}
"""Words for a larger and for a smaller number of the other."""


def summary(found: Comparison, name: str, reference: str) -> str:
    """What became of accuracy, speed and memory, as far as the runs tell the two apart.

    Args:
        found: the comparison.
        name: what to call the other.
        reference: what to call the reference.
    """
    facts = ", ".join([_accuracy(found), *_changes(found)])
    same = _same(found)
    tail = f"; no significant difference in {same}" if same else ""
    unlike = f". Times and memory are not compared: {found.unlike}" if found.unlike else ""
    return f"{name} against {reference}: {facts}{tail}{unlike}."


def _accuracy(found: Comparison) -> str:
    one = found.overall
    if one is None:
        return f"accuracy not compared ({found.overall_reason})"
    span = f"{points(one.interval.low):+.1f} to {points(one.interval.high):+.1f}"
    if one.interval.low <= 0 <= one.interval.high:
        return f"no significant accuracy difference ({span} points)"
    if (
        one.p >= found.accuracy_level
    ):  # the interval and the exact test may disagree where few items differ
        return f"no significant accuracy difference (p = {one.p:.2g}; {span} points)"
    way = "more" if one.difference > 0 else "less"
    return f"{abs(points(one.difference)):.1f} points {way} accurate ({span})"


def _axes(found: Comparison) -> Iterator[tuple[str, AxisComparison]]:
    workload = longest_workload(found.reference)
    for key in TOLD:
        name = METRICS[key].name
        for axis in found.axes:
            if axis.axis == name and axis.workload in (None, workload):
                yield key, axis


def _changes(found: Comparison) -> Iterator[str]:
    for key, axis in _axes(found):
        ratio = axis.ratio
        if ratio is None or (ratio.interval and ratio.interval.low <= 1 <= ratio.interval.high):
            continue
        more, less = _WORDS[key]
        once = "" if ratio.interval else " (one run on a side: not tested)"
        yield f"{abs(ratio.ratio - 1):.0%} {more if ratio.ratio > 1 else less}{once}"


def _same(found: Comparison) -> str:
    same = [
        METRICS[key].words
        for key, axis in _axes(found)
        if axis.ratio and axis.ratio.interval
        if axis.ratio.interval.low <= 1 <= axis.ratio.interval.high
    ]
    return " and ".join([", ".join(same[:-1]), same[-1]] if len(same) > 1 else same)
