"""A comparison in one sentence: nothing is called a difference that its own test does not tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.summary import summary

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def side(made: Maker, name: str, scores: Sequence[float], runs: int = 2, **given: object) -> Side:
    records = tuple(
        made.record(
            name,
            repeat=repeat,
            tasks={"t": made.task(sum(scores) / len(scores), len(scores))} if not repeat else {},
            **given,  # type: ignore[arg-type]
        )
        for repeat in range(runs)
    )
    return Side(runs=records, samples=made.samples({"t": scores}))


def said(reference: Side, other: Side) -> str:
    (found,) = compare([reference, other])
    return summary(found, "b", "a")


def test_few_changed_items_are_no_difference(made: Maker) -> None:
    # Four of 100 gained and none lost: the exact test says p = 2 / 2^4 = 0.125.
    a = side(made, "a", [0.0] * 44 + [1.0] * 56)
    b = side(made, "b", [1.0] * 4 + [0.0] * 40 + [1.0] * 56)
    assert said(a, b).startswith("b against a: no significant accuracy difference (p = 0.12; +")
    # Nine: p = 2 / 2^9 = 0.004.
    b = side(made, "b", [1.0] * 9 + [0.0] * 35 + [1.0] * 56)
    assert said(a, b).startswith("b against a: 9.0 points more accurate (")


def test_speed_and_memory_are_told_with_the_way_they_go(made: Maker) -> None:
    scores = [1.0] * 50 + [0.0] * 50
    a = side(made, "a", scores, decode=40.0, ttft_s=0.2, peak=100 * 2**20)
    b = side(made, "b", scores, decode=50.0, ttft_s=0.1, peak=100 * 2**20)
    # 50 / 40 = 1.25, 0.1 / 0.2 = 0.5.
    text = said(a, b)
    assert "25% faster, 50% earlier first token; no significant difference in peak memory." in text


def test_one_run_a_side_is_told_and_said_to_be_untested(made: Maker) -> None:
    scores = [1.0] * 50 + [0.0] * 50
    a = side(made, "a", scores, runs=1, decode=40.0)
    b = side(made, "b", scores, runs=1, decode=50.0)
    assert "25% faster (one run on a side: not tested)" in said(a, b)


def test_without_samples_accuracy_is_not_compared(made: Maker) -> None:
    a = side(made, "a", [1.0, 0.0])
    assert "accuracy not compared (" in said(a, Side(runs=side(made, "b", [1.0, 0.0]).runs))
