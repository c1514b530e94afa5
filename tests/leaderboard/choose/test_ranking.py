from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.choose.ranking import rank
from leaderboard.rows.answers import ItemKey
from leaderboard.rows.row import row

if TYPE_CHECKING:
    from leaderboard.choose.ranking import Ranking
    from leaderboard.rows.peers import Scores
    from tests.leaderboard.conftest import Maker


def names(found: Ranking) -> list[tuple[int, list[str]]]:
    return [(t.rank, [r.record.candidate.name for r in t.rows]) for t in found.tiers]


def scores(right: int, n: int, first: int = 0) -> Scores:
    """`right` of n items, from the first one on."""
    return {
        "t": {ItemKey("t", str(i), i): float(first <= i < first + right) for i in range(n)},
    }


def test_ties_are_groups(made: Maker):
    # 400 items: a standard error near 0.025, of a difference 0.035: 3 points are not told apart,
    # 20 are.
    rows = [made.row(n, v, 400) for n, v in (("c", 0.50), ("a", 0.73), ("b", 0.70), ("d", 0.49))]
    found = rank(rows)
    assert names(found) == [(1, ["a", "b"]), (3, ["c", "d"])]
    assert not found.tiers[0].paired


def test_the_same_items_tell_more(made: Maker):
    # b gets what a gets, less 3 points: 12 lost of 400, none gained: z = 3.5.
    rows = [made.row("a", 0.73, 400), made.row("b", 0.70, 400)]
    answers = {
        rows[0].record.run_id: scores(292, 400),
        rows[1].record.run_id: scores(280, 400),
    }
    assert names(rank(rows)) == [(1, ["a", "b"])]
    assert names(rank(rows, answers=answers)) == [(1, ["a"]), (2, ["b"])]
    # Answers from one side alone are not paired.
    one = {rows[0].record.run_id: scores(292, 400)}
    assert names(rank(rows, answers=one)) == [(1, ["a", "b"])]


def test_the_same_answers_are_one_tier(made: Maker):
    rows = [made.row("a", 0.5, 40), made.row("b", 0.5, 40)]
    answers = {r.record.run_id: scores(20, 40) for r in rows}
    found = rank(rows, answers=answers)
    assert names(found) == [(1, ["a", "b"])]
    assert found.tiers[0].paired


def test_weights_decide_the_order(made: Maker):
    def two(name: str, t: float, u: float) -> object:
        tasks = {"t": made.task(t, 2000, group="t"), "u": made.task(u, 2000, group="u")}
        return row(made.record(name, tasks=tasks))

    rows = [two("a", 0.9, 0.2), two("b", 0.3, 0.7)]
    assert names(rank(rows)) == [(1, ["a"]), (2, ["b"])]  # type: ignore[arg-type]
    flipped = rank(rows, weights={"t": 0.0})  # type: ignore[arg-type]
    assert names(flipped) == [(1, ["b"]), (2, ["a"])]


def test_without_a_standard_error_nothing_is_told_apart(made: Maker):
    found = rank([made.row("a", 1.0, 1), made.row("b", 0.0, 1)])
    assert names(found) == [(1, ["a", "b"])]


def test_without_a_score_there_is_no_rank(made: Maker):
    a, b = made.row("a"), made.row("b", None)
    found = rank([b, a])
    assert (names(found), found.unranked) == ([(1, ["a"])], (b,))
    assert rank([]).tiers == ()


def test_unlike_suites_are_refused(made: Maker):
    with pytest.raises(ValueError, match="more than one suite"):
        rank([made.row("a"), made.row("b", suite={"digest": "other"})])
