from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaderboard.rows.answers import ItemKey
from leaderboard.rows.peers import Shared, builds, check_peers, places, sharing, side_by_side
from leaderboard.rows.row import row

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_rows_are_grouped_by_machine_suite_and_budget(made: Maker):
    a, b = made.row("a"), made.row("b")
    elsewhere = made.row("c", machine={**made.base.machine.said(), "fingerprint": "other"})
    new_suite = made.row("d", suite={"digest": "new"})
    narrow = made.row("e", budget={"name": "vps-1gb"})
    found = places([a, elsewhere, b, new_suite, narrow])
    assert [*found.values()] == [(a, b), (elsewhere,), (new_suite,), (narrow,)]
    check_peers([a, b])
    check_peers([])
    for other, what in ((elsewhere, "machine"), (new_suite, "suite"), (narrow, "budget")):
        with pytest.raises(ValueError, match=f"more than one {what} cannot be ranked"):
            check_peers([a, other])


def test_two_builds_of_one_runtime_are_not_ranked_together(made: Maker):
    software = made.base.software.said()
    a, b = made.row("a"), made.row("b")
    rebuilt = made.row("b", software={**software, "runtime_digest": "new"})
    crippled = made.row("c", software={**software, "left_out": "AMX"})
    other_runtime = made.row("d", candidate={"runtime": "hf"}, software={"runtime_version": "2"})
    check_peers([a, b, other_runtime])
    for other in (rebuilt, crippled):
        with pytest.raises(ValueError, match="more than one build of fake cannot be ranked"):
            check_peers([a, other, other_runtime])
    rows = [a, b, rebuilt, crippled, other_runtime]
    assert [len(found) for found in builds(rows).values()] == [3, 1]
    (place,) = places(rows)
    (old, *_), (hf,) = builds(rows).values()
    assert sharing(rows, Shared(place, (hf, old))) == (a, b, other_runtime)


def key(i: int) -> ItemKey:
    return ItemKey("t", f"t-{i}", i)


def test_answers_side_by_side(made: Maker):
    rows = [made.row("a"), made.row("b")]
    ids = [one.record.run_id for one in rows]
    first, second = {"t": {key(0): 1.0, key(1): 0.0}}, {"t": {key(1): 0.5, key(0): 0.25}}
    found = side_by_side(rows, {ids[0]: first, ids[1]: second})
    assert found
    (items,) = found["t"]
    np.testing.assert_array_equal(items.scores, [[1.0, 0.25], [0.0, 0.5]])
    assert items.groups.tolist() == [0, 1]


def test_items_of_one_passage_are_one_group(made: Maker):
    one = made.row("a")
    scores = {"t": {key(i): 1.0 for i in range(4)}}
    passages = {key(0): ("t", "p"), key(2): ("t", "p")}
    found = side_by_side([one], {one.record.run_id: scores}, passages)
    assert found
    assert found["t"][0].groups.tolist() == [0, 1, 0, 2]


def test_tasks_that_count_the_same_are_sets_of_their_own(made: Maker):
    # A group with weight_by_size: false: three items of one task count as much as one of another.
    tasks = {
        name: made.task(0.5, n, group="g", by_size=False, scale="share")
        for name, n in (("g_a", 3), ("g_b", 1))
    }
    one = row(made.record("a", tasks=tasks))
    keys = [*(ItemKey("g_a", str(i), i) for i in range(3)), ItemKey("g_b", "0", 0)]
    found = side_by_side([one], {one.record.run_id: {"g": dict.fromkeys(keys, 1.0)}})
    assert found
    assert [len(items.scores) for items in found["g"]] == [3, 1]


def test_other_items_or_none_are_not_called_paired(made: Maker):
    rows = [made.row("a"), made.row("b")]
    ids = [one.record.run_id for one in rows]
    first = {"t": {key(0): 1.0, key(1): 0.0}}
    assert side_by_side(rows, None) is None
    assert side_by_side(rows, {ids[0]: first}) is None
    assert side_by_side(rows, {ids[0]: first, ids[1]: {"t": {key(0): 1.0}}}) is None
    assert side_by_side(rows, {ids[0]: first, ids[1]: {}}) is None
    tasks = {"t": made.task(0.5, 2, group="t"), "u": made.task(0.5, 2, group="u")}
    wider = [row(made.record("a", tasks=tasks)), row(made.record("b", tasks=tasks))]
    assert side_by_side(wider, {ids[0]: first, ids[1]: first}) is None
    assert side_by_side([], {}) is None
