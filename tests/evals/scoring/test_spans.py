"""Short answers: SQuAD's rules, worked by hand, and an answer that says there is none."""

from __future__ import annotations

import pytest

from evals.scoring.spans import (
    SpansOptions,
    abstains,
    f1,
    fault,
    first_line,
    held_against,
    normalised,
)


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
        # Of a yes or no the first word counts.
        # 1 of 6 words is right, and the right one is said: 2 * 1/6 / (1/6 + 1).
        ("Yes, both were American, no doubt.", ["no"], 0.0, 2 / 7, 0.0, 1.0),
        ("Yes, both men were born there.", ["yes"], 0.0, 2 / 7, 1.0, 1.0),
        ("**No**", ["no"], 1.0, 1.0, 1.0, 1.0),
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
        "The text does not have the answer.", "The answer is not in the text.",
        "It isn't mentioned.", "It isn\u2019t clearly mentioned", "The text does not give a date.",
        "There is no information about that.", "The passage doesn't tell who won",
        "The given text does not directly answer the question", "This is not part of the passage.",
        "No information provided.", "The text makes no mention of it", "It is impossible to say",
        "The provided passage does not include that information",
        "That isn't included in the text", "There's no answer in this paragraph",
    ],
)  # fmt: skip
def test_abstentions(answer: str) -> None:
    assert abstains(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "France", "No", "42", "", "...", "The Unknown Soldier's tomb in Paris", "a notable man",
        "Bavaria, which the treaty did not include", "He did not give up his seat",
        "not part of the Union", "those not included in the price", "not in the context of war",
        "No information technology existed", "It is not in Europe", "the text of the treaty",
        "a text that he did not write", "There is no king", "not available on Sundays",
    ],
)  # fmt: skip
def test_what_is_an_answer(answer: str) -> None:
    assert abstains(answer) == ("Unknown" in answer)


def test_the_first_line_with_text_is_the_answer() -> None:
    assert first_line("\n\n **Answer:** Paris\nbecause") == "Paris"


def test_answers_that_are_no_list_of_texts_are_said_before_anything_runs() -> None:
    assert not fault(SpansOptions(), {"answers": []})
    assert not fault(SpansOptions(), {"answers": ["Paris", "the city"]})
    for told in ("Paris", None, [None], [""], [7]):
        assert 'column "answers"' in fault(SpansOptions(), {"answers": told})
