"""Tasks beside the mean: compared by their items where both have them, and never part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.compare.comparison import Side, compare
from leaderboard.rows.answers import read_answers
from leaderboard.rows.peers import side_by_side
from leaderboard.rows.row import row

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

SHORT = {"a": [1, 1, 0, 0], "b": [1, 0, 0, 0], "c": [1, 1, 1, 0]}
LONG = {"a": [1, 1, 1, 1], "b": [0, 0, 0, 0]}
"""Items of the task that counts, and of the one beside it, which c is not asked."""


def side(made: Maker, name: str) -> Side:
    scores = {"short": SHORT[name], **({"long": LONG[name]} if name in LONG else {})}
    tasks = {
        task: made.task(
            sum(values) / 4, 4, group=task, scale="share", optional=task == "long"
        )
        for task, values in scores.items()
    }  # fmt: skip
    return Side(runs=(made.record(name, tasks=tasks),), samples=made.samples(scores))


def test_both_are_compared_by_items_and_one_counts(made: Maker) -> None:
    (found,) = compare([side(made, "a"), side(made, "b")])
    short, long = found.tasks
    assert (short.counts, long.counts, long.by_item, long.reason) == (True, False, True, "")
    assert long.paired is not None
    assert long.paired.difference == -1.0
    # The mean is that of the one that counts: 1/4 - 2/4.
    assert found.overall is not None
    assert found.overall.difference == pytest.approx(-0.25)
    assert {item.part for item in found.items} == {"short", "long"}


def test_a_side_that_was_not_asked_is_compared_on_the_rest(made: Maker) -> None:
    (found,) = compare([side(made, "a"), side(made, "c")])
    short, long = found.tasks
    assert long.paired is None
    assert long.recorded == (1.0, None)
    assert short.paired is not None
    assert found.overall is not None
    assert found.overall.difference == pytest.approx(0.25)


def test_candidates_of_other_lengths_are_ranked_by_what_all_were_asked(made: Maker) -> None:
    sides = [side(made, name) for name in "abc"]
    rows = [row(one.scored) for one in sides]
    assert [one.score.value for one in rows if one.score] == [0.5, 0.25, 0.75]
    answers = {
        one.scored.run_id: read_answers(one.scored, one.samples).scores
        for one in sides
        if one.samples is not None
    }
    tables = side_by_side(rows, answers)
    assert tables is not None
    assert list(tables) == ["short"]
    assert tables["short"][0].scores.tolist() == [[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]]
