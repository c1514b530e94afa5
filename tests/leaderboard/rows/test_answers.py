from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evals.errors import RecordError
from leaderboard.rows.answers import NO_ITEM_SCORES, ItemKey, read_answers
from leaderboard.rows.counting import parts

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
    assert (answers.left_out, answers.unusable) == ({}, {})
    key = ItemKey("g_a", "g_a-0", 0)
    assert answers.cell(key, "logprobs") == [-1.0, -2.0]
    assert answers.cell(key, "prompt") is None
    assert [*parts(answers.record)["g"]] == ["g_a", "g_b"]


def test_a_document_that_a_data_set_repeats_is_two_items(made: Maker):
    table = made.samples({"t": [1, 0]}, items={"t": ["same", "same"]}, documents={"t": [4, 9]})
    answers = read_answers(made.record(tasks={"t": made.task(0.5, 2)}), table)
    assert [*answers.scores["t"].values()] == [1, 0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metric": "bleu", "stderr": None}, "worked out over all documents"),
        ({"metric": "f1", "stderr": None}, "worked out over all documents"),
        ({"metric": "overlap"}, "nobody says on which scale"),
        ({"higher_is_better": False}, "less of it is better"),
    ],
)
def test_what_enters_no_mean_says_why(made: Maker, changes, says):
    record = made.record(tasks={"t": made.task(0.5, 2, **changes)})
    answers = read_answers(record, made.samples({"t": [1, float("nan")]}))
    assert (answers.scores, answers.unusable) == ({}, {})
    assert says in answers.left_out["t"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "null"),
        (7.5, "7.5, outside 0 to 1"),
        (-0.5, "-0.5, outside 0 to 1"),
        (float("nan"), "NaN"),
        (float("inf"), "infinite"),
    ],
)
def test_one_item_without_a_usable_score_is_named(made: Maker, value, why):
    record = made.record(tasks={"t": made.task(0.5, 2, scale="share")})
    answers = read_answers(record, made.samples({"t": [1, value]}))
    assert (answers.scores, answers.left_out) == ({}, {})
    assert answers.unusable == {"t": f"1 of 2 items have no usable acc: documents 1 ({why})"}


def test_a_subject_is_named_with_its_documents(made: Maker):
    tasks = {name: made.task(0.5, 1, group="g") for name in ("g_a", "g_b")}
    answers = read_answers(made.record(tasks=tasks), made.samples({"g_a": [1], "g_b": [None]}))
    assert answers.unusable == {"g": "g_b: 1 of 1 items have no usable acc: documents 0 (null)"}


def test_samples_without_the_metric_are_unusable(made: Maker):
    record = made.record(tasks={"t": made.task(0.5, 2, metric="exact_match")})
    assert read_answers(record, made.samples({"t": [1, 0]})).unusable == {"t": NO_ITEM_SCORES}


def test_per_cent_are_read_as_shares(made: Maker):
    task = made.task(50.0, 2, metric="em", scale="percent", stderr=50.0)
    answers = read_answers(
        made.record(tasks={"t": task}), made.samples({"t": [100, 0]}, metric="em")
    )
    assert [*answers.scores["t"].values()] == [1, 0]


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
