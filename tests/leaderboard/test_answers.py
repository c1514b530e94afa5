from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evals.errors import RecordError
from leaderboard.answers import NO_ITEM_SCORES, NO_PROPORTION, ItemKey, parts, read_answers

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_scores_by_part(made: Maker):
    tasks = {
        "alone": made.task(0.5, 2, group="alone"),
        "g_a": made.task(1.0, 1, group="g"),
        "g_b": made.task(0.0, 1, group="g"),
    }
    table = made.samples({"alone": [1, 0], "g_a": [1], "g_b": [0]})
    answers = read_answers(made.record(tasks=tasks), table)
    assert answers.scores == {
        "alone": {ItemKey("alone", "alone-0", 0): 1, ItemKey("alone", "alone-1", 1): 0},
        "g": {ItemKey("g_a", "g_a-0", 0): 1, ItemKey("g_b", "g_b-0", 0): 0},
    }
    assert answers.reasons == {}
    key = ItemKey("g_a", "g_a-0", 0)
    assert answers.cell(key, "logprobs") == [-1.0, -2.0]
    assert answers.cell(key, "prompt") is None
    assert [*parts(answers.record)["g"]] == ["g_a", "g_b"]


def test_a_document_that_a_data_set_repeats_is_two_items(made: Maker):
    table = made.samples({"t": [1, 0]}, items={"t": ["same", "same"]}, documents={"t": [4, 9]})
    answers = read_answers(made.record(tasks={"t": made.task(0.5, 2)}), table)
    assert [*answers.scores["t"].values()] == [1, 0]


@pytest.mark.parametrize(
    ("changes", "values", "reason"),
    [
        ({"metric": "word_perplexity"}, [1, 0], NO_ITEM_SCORES),
        ({}, [1, None], NO_ITEM_SCORES),
        ({"higher_is_better": False}, [1, 0], NO_PROPORTION),
        ({}, [1, 7.4], NO_PROPORTION),
        ({}, [1, float("nan")], NO_PROPORTION),
    ],
)
def test_what_cannot_be_compared_by_item_says_why(made: Maker, changes, values, reason):
    record = made.record(tasks={"t": made.task(0.5, 2, **changes)})
    answers = read_answers(record, made.samples({"t": values}))
    assert (answers.scores, answers.reasons) == ({}, {"t": f"t: {reason}"})


def test_a_task_that_was_not_reached(made: Maker):
    tasks = {"t": made.task(1.0, 1), "late": made.task(None, 0, group="late")}
    assert read_answers(made.record(tasks=tasks), made.samples({"t": [1]})).scores["late"] == {}


def test_damaged_samples(made: Maker):
    record, table = made.record(tasks={"t": made.task(0.5, 2)}), made.samples({"t": [1, 0]})
    with pytest.raises(RecordError, match="have no column 'item'"):
        read_answers(record, table.drop_columns(["item"]))
    twice = made.samples({"t": [1, 0]}, items={"t": ["i", "i"]}, documents={"t": [3, 3]})
    with pytest.raises(RecordError, match="document 3 of t is there twice"):
        read_answers(record, twice)
