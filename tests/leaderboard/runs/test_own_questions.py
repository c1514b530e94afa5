"""Answers to own questions, out of samples that anybody may have written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from leaderboard.runs.own_questions import own_answers
from runners.records.record import DataInfo, Record

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

DATA = DataInfo(
    task="mine", source="questions", uri="mine.csv", split="test", sha256=None, licence=""
)
TARGETS = (
    {"line": 2, "question": "a?", "rule": "contains", "accepted": ["x", "y"], "id": "q1"},
    {"line": 3, "question": "b?", "rule": "number", "accepted": ["4"], "group": "g"},
    ["no", "object"],
)


def asked(made: Maker, **columns: Any) -> tuple[Record, pa.Table]:
    """Three answers, one right, after 1, 2 and 3 s; the last came to nothing."""
    task = made.task(1 / 3, 3, asked=4, metric="right")
    record = made.record(tasks={"mine": task}, data=[DATA])
    given = {
        "answer": pa.array(["x", "5", None], pa.string()),
        "stop": pa.array(["end of sequence", "length", "app error: no"], pa.string()),
        "token_s": pa.array([[0.5, 1.0], [1.0, 2.0], None], pa.list_(pa.float32())),
        "first_text": pa.array([0, 0, None], pa.int32()),
        **columns,
    }
    samples = made.samples({"mine": [1.0, 0.0, 0.0]}, metric="right")
    kept = samples.drop_columns(
        [name for name in ("answer", "target") if name in given] + ["target"]
    )
    kept = kept.append_column("target", pa.array([json.dumps(one) for one in TARGETS]))
    for name, values in given.items():
        kept = kept.append_column(name, values)
    return record, kept


def test_counts_and_medians_are_of_what_is_known(made: Maker) -> None:
    (found,) = own_answers(*asked(made))
    assert (found.task, found.right, len(found.answers), found.asked) == ("mine", 1, 3, 4)
    assert found.first_s == pytest.approx(0.75)  # the median of 0.5 and 1
    assert found.whole_s == pytest.approx(1.5)
    assert found.queued_s is None
    assert found.groups == (("g", 0, 1),)
    first, second, third = found.answers
    assert (first.place, first.expected) == ("q1", "contains: x or y")
    assert (second.place, second.right, second.stop) == ("line 3", False, "length")
    assert (third.place, third.question, third.answer) == ("line ?", "", "")


def test_first_words_come_after_the_thought_and_a_queue_is_told_apart(made: Maker) -> None:
    (found,) = own_answers(
        *asked(
            made,
            first_answer=pa.array([1, None, None], pa.int32()),
            queued_s=pa.array([0.1, 0.3, None], pa.float32()),
        )
    )
    assert [one.first_s for one in found.answers] == [pytest.approx(1.0), pytest.approx(1.0), None]
    assert found.queued_s == pytest.approx(0.2)


def test_samples_without_the_columns_tell_nothing(made: Maker) -> None:
    record, samples = asked(made)
    assert own_answers(record, samples.drop_columns(["token_s"])) == []
    assert own_answers(made.record(data=[DATA], tasks={}), samples) == []
    assert own_answers(made.record(tasks={"mine": made.task(0.5)}), samples) == []
