from __future__ import annotations

import pytest

from leaderboard.compare.fidelity_words import percent, price, ratio_text


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0, "as perplexing"),
        (1.0004, "as perplexing"),
        (1.0034, "0.3% more perplexing"),
        (1.0704, "7.0% more perplexing"),
        (1.19, "19% more perplexing"),
        (0.95, "5.0% less perplexing"),
        (4.25, "4.25 times as perplexing"),
    ],
)
def test_what_became_of_the_answers(ratio: float, words: str):
    assert price(ratio) == words


def test_numbers_as_people_read_them():
    assert [percent(share) for share in (0.003, 0.0949, 0.0996, 0.19)] == [
        "0.3%", "9.5%", "10%", "19%",
    ]  # fmt: skip
    assert [ratio_text(ratio) for ratio in (1.0035, 9.9994, 1234.5)] == ["1.004", "9.999", "1234"]
