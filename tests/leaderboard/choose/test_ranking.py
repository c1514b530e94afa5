from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard.choose.ranking import compare_pairs, difference_over, rank
from leaderboard.choose.resampling import gather
from leaderboard.compare.comparison import Side, compare
from leaderboard.rows.answers import ItemKey, read_answers
from leaderboard.rows.row import Row, row
from leaderboard.stats.item_resampling import Items
from leaderboard.stats.paired_counts import score_interval
from runners.records.looks import LooksInfo

if TYPE_CHECKING:
    from leaderboard.choose.ranking import Ranking
    from leaderboard.choose.resampling import Peers
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
    found = rank(gather(rows))
    assert names(found) == [(1, ["a", "b"]), (3, ["c", "d"])]
    assert not found.tiers[0].paired


def test_the_same_items_tell_more(made: Maker):
    # b gets what a gets, less 3 points: 12 lost of 400, none gained: z = 3.5.
    rows = [made.row("a", 0.73, 400), made.row("b", 0.70, 400)]
    answers = {
        rows[0].record.run_id: scores(292, 400),
        rows[1].record.run_id: scores(280, 400),
    }
    assert names(rank(gather(rows))) == [(1, ["a", "b"])]
    assert names(rank(gather(rows, answers=answers))) == [(1, ["a"]), (2, ["b"])]
    # Answers from one side alone are not paired.
    one = {rows[0].record.run_id: scores(292, 400)}
    assert names(rank(gather(rows, answers=one))) == [(1, ["a", "b"])]


def test_one_that_was_stopped_is_compared_on_what_both_were_asked(made: Maker):
    # c was stopped at 40 of 100 items, ten of which it alone gets wrong: p = 0.002. Its look asked
    # for 2.8 standard errors, p = 0.0051; one that asked for 3.2 (0.0014) does not tell it.
    for z, tiers in ((2.8, [(1, ["a", "b"]), (3, ["c"])]), (3.2, [(1, ["a", "b", "c"])])):
        rows = [looked(made, n, v, k, z) for n, v, k in (("a", 0.5, 100), ("b", 0.48, 100))]
        rows.append(looked(made, "c", 0.5, 40, z))
        given = (scores(50, 100, 10), scores(48, 100, 10), scores(20, 40, first=20))
        answers = {row.record.run_id: one for row, one in zip(rows, given, strict=True)}
        peers = gather(rows, answers=answers)
        assert peers.draws.paired
        # Those who were asked all have 30 of its 40 and 49 of all 100: its items were easy ones.
        expected = [0.5, 0.48, 0.5 - 0.75 + 0.49]
        assert [peers.accuracy(row) for row in rows] == pytest.approx(expected)
        found = compare_pairs(peers)(rows[0], rows[2])
        assert found is not None
        assert found.difference == pytest.approx(-0.25)  # 20 of 40 against 30 of the same 40
        assert sorted(names(rank(peers))) == tiers


def looked(made: Maker, name: str, value: float, n: int, z: float) -> Row:
    """A row of a comparison with a given time."""
    looks = LooksInfo(plan="p", time_s=60.0, look=1, looks=1, critical_z=z)
    job = made.base.job.model_copy(update={"looks": looks})
    return row(made.record(name, tasks={"t": made.task(value, n)}, job=job))


def answered(made: Maker, *lost: int, n: int = 40) -> Peers:
    """Candidates that get all of n items but the first so many."""
    rows = [made.row(f"m{i}", (n - k) / n, n) for i, k in enumerate(lost)]
    answers = {
        row.record.run_id: scores(n - k, n, first=k) for row, k in zip(rows, lost, strict=True)
    }
    return gather(rows, answers=answers)


@pytest.mark.parametrize(("lost", "told"), [(2, False), (4, False), (5, False), (6, True)])
def test_two_are_told_apart_by_the_exact_test(made: Maker, lost: int, told: bool):
    # All one way: p = 2 * 0.5 ** lost: 0.5, 0.125, 0.0625, 0.03125. Wald's z said p = 0.000 of two
    # of two and 0.037 of four of 40.
    assert (len(rank(answered(made, 0, lost)).tiers) == 2) == told
    assert len(rank(answered(made, 0, 2, n=2)).tiers) == 1


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1), min_size=24, max_size=24), min_size=2, max_size=5))
def test_the_board_and_compare_never_contradict_each_other(made: Maker, given_answers):
    """Two are told apart by the very test of Compare; of more, what is told apart here is told
    apart there, too."""
    rows, sides, answers = [], [], {}
    for i, right in enumerate(given_answers):
        parts = {"t": right[:16], "u": right[16:]}
        tasks = {
            name: made.task(sum(part) / len(part), len(part), group=name)
            for name, part in parts.items()
        }
        record = made.record(f"m{i}", tasks=tasks)
        samples = made.samples({name: [float(x) for x in part] for name, part in parts.items()})
        rows.append(row(record))
        sides.append(Side(runs=(record,), samples=samples))
        answers[record.run_id] = read_answers(record, samples).scores
    tiers = rank(gather(rows, answers=answers, draws=200)).tiers
    by_name = {side.scored.candidate.name: side for side in sides}
    for above, below in pairwise(tiers):
        both = [by_name[one.rows[0].record.candidate.name] for one in (above, below)]
        (found,) = compare(both)
        assert found.overall
        assert found.overall.p <= 0.05
    if len(rows) == 2:
        (found,) = compare(sides)
        assert found.overall
        assert (len(tiers) == 2) == (found.overall.p <= 0.05)


def test_items_of_one_passage_tell_as_one(made: Maker):
    # Eight items lost, all one way: p = 2 / 2^8; of one passage they are one flip.
    peers = answered(made, 0, 8)
    assert len(rank(peers).tiers) == 2
    passage = {ItemKey("t", str(i), i): ("t", "p") for i in range(8)}
    assert len(rank(gather(peers.rows, answers=peers.answers, clusters=passage)).tiers) == 1


def test_the_difference_of_a_pair_is_that_of_compare(made: Maker):
    peers = answered(made, 0, 6)
    found = compare_pairs(peers)(*peers.rows)
    assert found
    assert (found.difference, found.paired, found.told) == (pytest.approx(-0.15), True, True)
    # Tango's interval of 0 gained and 6 lost of 40.
    assert found.interval == score_interval(0, 6, 40)


def test_the_same_answers_are_one_tier(made: Maker):
    rows = [made.row("a", 0.5, 40), made.row("b", 0.5, 40)]
    answers = {r.record.run_id: scores(20, 40) for r in rows}
    found = rank(gather(rows, answers=answers))
    assert names(found) == [(1, ["a", "b"])]
    assert found.tiers[0].paired


def test_weights_decide_the_order(made: Maker):
    def two(name: str, t: float, u: float) -> object:
        tasks = {"t": made.task(t, 2000, group="t"), "u": made.task(u, 2000, group="u")}
        return row(made.record(name, tasks=tasks))

    rows = [two("a", 0.9, 0.2), two("b", 0.3, 0.7)]
    assert names(rank(gather(rows))) == [(1, ["a"]), (2, ["b"])]  # type: ignore[arg-type]
    flipped = rank(gather(rows, weights={"t": 0.0}))  # type: ignore[arg-type]
    assert names(flipped) == [(1, ["b"]), (2, ["a"])]


def test_without_a_standard_error_nothing_is_told_apart(made: Maker):
    found = rank(gather([made.row("a", 1.0, 1), made.row("b", 0.0, 1)]))
    assert names(found) == [(1, ["a", "b"])]


def test_without_a_score_there_is_no_rank(made: Maker):
    a, b = made.row("a"), made.row("b", None)
    found = rank(gather([b, a]))
    assert (names(found), found.unranked) == ([(1, ["a"])], (b,))
    assert rank(gather([])).tiers == ()


def test_unlike_suites_are_refused(made: Maker):
    with pytest.raises(ValueError, match="more than one suite"):
        gather([made.row("a"), made.row("b", suite={"digest": "other"})])


def test_a_task_that_one_was_not_asked_leaves_the_others_to_tell():
    # A group whose tasks count alike, and c was stopped before its second one was asked. Of the
    # first's 40 items it loses ten to a, and gains none: p = 2 * 0.5 ** 10.
    first = (np.arange(40)[:, None] < np.array([30, 30, 20])).astype(float)
    second = np.array([[1.0, 1.0, math.nan], [1.0, 0.0, math.nan]])
    sets = [Items(scores=one, groups=np.arange(len(one))) for one in (first, second)]
    found = difference_over(sets, [0.5, 0.5], (0, 2))
    assert (found.difference, found.n, found.p) == (-0.25, 40, pytest.approx(2 * 0.5**10))
    # Of a and b all count: 0 of the first, half of the second.
    assert difference_over(sets, [0.5, 0.5], (0, 1)).difference == -0.25
