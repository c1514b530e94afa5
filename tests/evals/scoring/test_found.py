"""How many of the right values an answer holds."""

from __future__ import annotations

import pytest

from evals.scoring.found import share_found
from evals.scoring.scorer import Means
from evals.scoring.table import find_scorer

CODE = "4815162"
MEANS = Means(execute=lambda _: True, search=lambda pattern, text: pattern in text)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The code is 4815162.", 1.0),
        ("4,815,162", 1.0),
        ("**4815162**", 1.0),
        ("4815162,2342108", 1.0),
        ("", 0.0),
        ("4815163", 0.0),
        ("14815162", 0.0),  # part of another number
        ("48151620", 0.0),
        ("481 5162", 0.0),
    ],
)
def test_a_code_is_found_as_a_number_of_its_own(answer: str, expected: float) -> None:
    assert share_found([CODE], answer) == expected


def test_a_part_of_several_counts_its_share() -> None:
    # Two of three; what else is named costs nothing, as in RULER.
    assert share_found(["1111111", "2222222", "3333333"], "3333333, 9999999, 1111111") == 2 / 3
    assert share_found(["Kettle"], "the kettle") == 1.0


def test_a_task_names_its_column() -> None:
    scorer = find_scorer({"found": {"values": "codes"}}, "t")
    assert scorer.metrics == ("found",)
    # Mean of the answers of one document: 1 and 1/2.
    found = scorer({"codes": ["11", "22"]}, ["22 and 11", "22"], MEANS)
    assert found == {"found": 0.75}
    assert find_scorer("found", "t")({"values": 7}, ["7"], MEANS) == {"found": 1.0}
