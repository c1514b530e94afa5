from __future__ import annotations

from leaderboard.rows.answers import read_answers
from leaderboard.runs.generations import generations, title
from tests.leaderboard.conftest import Maker


def test_whole_texts_the_wrong_ones_first_without_those_that_are_their_answer(made: Maker):
    record = made.record(tasks={"t": made.task(0.5, 4)})
    samples = made.samples(
        {"t": [1.0, 0.0, 0.5, 1.0]},
        raw=["7? no.</think>18", "7.</think>7", "hm</think>8", None],
        thought_tokens=[4, 1200, None, None],
    )
    found = generations(read_answers(record, samples))
    assert [one.raw for one in found] == ["7.</think>7", "hm</think>8", "7? no.</think>18"]
    assert [title(one) for one in found] == [
        "t 1: wrong, 1,200 tokens of thought",
        "t 2: 0.50",
        "t 0: right, 4 tokens of thought",
    ]


def test_a_run_whose_answers_are_its_whole_texts_has_none(made: Maker):
    record = made.record(tasks={"t": made.task(1.0, 1)})
    assert generations(read_answers(record, made.samples({"t": [1.0]}))) == ()
