"""Short answers: SQuAD's rules, worked by hand, and an answer that says there is none."""

from __future__ import annotations

import pytest

from evals.scoring.spans import abstains, f1, first_line, held_against, normalised


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("a cat, an owl", "cat owl"),
        ("The The", "the the"),
        ("!!!", "!!!"),
        ("", ""),
    ],
)
def test_normalisation(text: str, bare: str) -> None:
    assert normalised(text) == bare


def test_f1_counts_words_as_often_as_they_stand() -> None:
    # 2 of 3 said words are right, 2 of 4 right words are said: 2 * (2/3 * 1/2) / (2/3 + 1/2).
    assert f1(["10th", "and", "11th"], ["10th", "and", "12th", "centuries"]) == pytest.approx(4 / 7)
    assert f1(["a", "a"], ["a"]) == pytest.approx(2 / 3)
    assert f1([], []) == 1.0
    assert f1([], ["a"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "accepted", "exact", "f1", "contains", "abstention"),
    [
        (" France.", ["France"], 1.0, 1.0, 1.0, 1.0),
        ("Answer: the Normans\nmore", ["Normans"], 1.0, 1.0, 1.0, 1.0),
        ("in France", ["France"], 0.0, 2 / 3, 1.0, 1.0),
        # 2 of 9 words are right, and all right ones are said: 2 * 2/9 / (2/9 + 1).
        (
            "The share of stations without fuel is the 20 per cent.",
            ["20 per"],
            0.0,
            4 / 11,
            1.0,
            1.0,
        ),
        ("20 stations", ["20 per cent", "200"], 0.0, 0.4, 0.0, 1.0),
        ("Spain", ["France"], 0.0, 0.0, 0.0, 1.0),
        ("unanswerable", ["France"], 0.0, 0.0, 0.0, 0.0),
        ("unanswerable", [], 1.0, 1.0, 1.0, 1.0),
        ("The text does not say.", [], 1.0, 1.0, 1.0, 1.0),
        ("France", [], 0.0, 0.0, 0.0, 0.0),
        # One document's right answer is a phrase of abstention.
        ("unknown", ["unknown", "not known"], 1.0, 1.0, 1.0, 1.0),
        # A thought that was cut leaves nothing, and nothing does not say that the text has none.
        ("", ["France"], 0.0, 0.0, 0.0, 1.0),
        ("", [], 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_scores(
    answer: str, accepted: list[str], exact: float, f1: float, contains: float, abstention: float
) -> None:
    assert held_against(answer, accepted) == {
        "exact": exact, "f1": pytest.approx(f1), "contains": contains, "abstention": abstention,
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        "unanswerable", "Unanswerable.", "I don't know", "It cannot be determined.",
        "The answer is not mentioned in the text", "No answer",
        "there is insufficient information",
    ],
)  # fmt: skip
def test_abstentions(answer: str) -> None:
    assert abstains(answer)


@pytest.mark.parametrize(
    "answer",
    ["France", "No", "42", "", "...", "The Unknown Soldier's tomb in Paris", "a notable man"],
)
def test_what_is_an_answer(answer: str) -> None:
    assert abstains(answer) == ("Unknown" in answer)


def test_the_first_line_with_text_is_the_answer() -> None:
    assert first_line("\n\n **Answer:** Paris\nbecause") == "Paris"
