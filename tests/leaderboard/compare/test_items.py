from __future__ import annotations

from typing import Any

import pytest

from leaderboard.compare.comparison import ItemDifference
from leaderboard.compare.items import choices, direction, item_rows, matching, whole_texts
from leaderboard.rows.answers import ItemKey


def item(task: str = "t", doc: int = 0, part: str = "", **given: Any) -> ItemDifference:
    usual: dict[str, Any] = {
        "part": part or task,
        "key": ItemKey(task, f"hash{doc}", doc),
        "target": "1",
        "reference_score": 1.0,
        "other_score": 0.0,
        "reference_logprobs": (-1.0, -2.5),
        "other_logprobs": (-3.0, -2.0),
        "reference_answer": None,
        "other_answer": None,
        "prompt": None,
        "reference_raw": None,
        "other_raw": None,
    }
    return ItemDifference(**{**usual, **given})


def test_words_are_looked_for_everywhere_and_all_of_them() -> None:
    items = [
        item("arc", 1, prompt="Why is the SKY blue?"),
        item("arc", 2, other_answer="the sky is green"),
        item("mmlu_law", 3, part="mmlu", reference_score=0.0, other_score=1.0),
    ]
    assert matching(items) == tuple(items)
    assert matching(items, words="sky") == (items[0], items[1])
    assert matching(items, words="sky blue") == (items[0],)
    assert matching(items, words="gained") == (items[2],)
    assert matching(items, words="HASH2") == (items[1],)
    assert matching(items, words="nowhere") == ()


@pytest.mark.parametrize(("task", "count"), [("", 2), ("mmlu", 2), ("mmlu_law", 1), ("arc", 0)])
def test_a_group_holds_its_subjects(task: str, count: int) -> None:
    items = [item("mmlu_law", part="mmlu"), item("mmlu_art", part="mmlu")]
    assert len(matching(items, task=task)) == count


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("1", "-3.21 | [-2.90]"),
        ("0", "[-3.21] | -2.90"),
        ('"text"', "-3.21 | -2.90"),
        ("true", "-3.21 | -2.90"),
        ("{", "-3.21 | -2.90"),
        (None, "-3.21 | -2.90"),
        ("7", "-3.21 | -2.90"),
    ],
)
def test_the_right_choice_stands_in_brackets(target: str | None, shown: str) -> None:
    assert choices((-3.21, -2.9), target) == shown
    assert choices(None, target) == ""


def test_rows_have_the_columns_that_some_item_fills() -> None:
    rows = item_rows([item(), item(prompt="p")])
    assert [row["prompt"] for row in rows] == [None, "p"]
    assert "other's answer" not in rows[0]
    assert rows[0]["other's choices, nats"] == "-3.00 | [-2.00]"
    assert rows[0]["direction"] == direction(item()) == "lost"
    assert item_rows([]) == []


def test_whole_texts_are_those_with_more_than_the_answer() -> None:
    items = [
        item("gsm8k", 1),
        item("gsm8k", 2, reference_raw="<think>7</think>18", other_raw="<think>6</think>7"),
        item("gsm8k", 3, reference_score=0.0, other_score=1.0, other_raw="<think></think>5"),
    ]
    assert whole_texts(items) == [
        ("gsm8k 2, lost: the reference", "<think>7</think>18"),
        ("gsm8k 2, lost: the other", "<think>6</think>7"),
        ("gsm8k 3, gained: the other", "<think></think>5"),
    ]
