"""Each rule, on answers as models and apps really give them."""

from __future__ import annotations

import re

import pytest

from evals.questions.rules import (
    chosen,
    contains,
    exact,
    expected,
    is_right,
    last_number,
    number,
    without_thought,
)

CITIES = ("York", "New York", "Paris")


def search(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


@pytest.mark.parametrize(
    ("answer", "wanted", "right"),
    [
        ("The capital is PARIS.", "Paris", True),
        ("Paris's mayor", "paris", True),
        ("parisian", "Paris", False),
        ("It is 14.", "4", False),
        ("It is 4, of course", "4", True),
        ("I know it", "no", False),
        ("4 or 14", "14", True),
        ("14, then 4", "4", True),
        ("two\n  words", "Two Words", True),
        ("\N{FULLWIDTH DIGIT FOUR} apples", "4", True),
        ("答えは東京です", "東京", True),
        ("서울입니다", "서울", True),
        ("", "x", False),
        ("C++ is it", "C++", True),
    ],
)
def test_contains_looks_for_whole_words(answer: str, wanted: str, right: bool):
    assert contains(answer, wanted) is right


def test_exact_compares_all_of_the_answer():
    assert exact(" Paris. \n", "paris")
    assert exact("U.S.", "U.S")
    assert not exact("It is Paris", "Paris")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("6 * 7 = 42.", 42.0),
        ("about 1,234.5 km", 1234.5),
        ("$1,200 in 3 parts", 3.0),
        ("-3", -3.0),
        ("minus: \N{MINUS SIGN}3.5", -3.5),
        ("5-3", 3.0),
        ("**.5**", 0.5),
        ("6e3 or so", 6000.0),
        ("H2O and v2", None),
        ("1e999", None),
        ("1,23", 23.0),
        ("no number", None),
    ],
)
def test_the_last_number_of_an_answer_counts(text: str, found: float | None):
    assert last_number(text) == found


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("42", (42.0, 0.0)),
        ("9.81 ± 0.05", (9.81, 0.05)),
        ("9.81 +/- 0.05", (9.81, 0.05)),
        ("100 +- 1", (100.0, 1.0)),
        ("$1,200", (1200.0, 0.0)),
        ("50 %", (50.0, 0.0)),
        ("-4", (-4.0, 0.0)),
        ("four", None),
        ("4 apples", None),
        ("1 ± 2 ± 3", None),
        ("", None),
    ],
)
def test_a_cell_says_a_number_and_how_near_is_near(cell: str, found: tuple[float, float] | None):
    assert expected(cell) == found


def test_a_number_is_right_within_its_tolerance():
    assert number("g is 9.8", ["9.81 ± 0.05"]) is True
    assert number("g is 9.7", ["9.81 ± 0.05"]) is False
    assert number("0.1 + 0.2 = 0.30000000000000004", ["0.3"]) is True
    assert number("7 or 8", ["8", "9"]) is True
    assert number("I cannot say", ["8"]) is None


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("C", 2),
        ("c", 2),
        ("(B)", 1),
        ("**C.** Paris", 2),
        ("B) New York", 1),
        ("The answer is (A).", 0),
        ("Answer: C", 2),
        ("First I thought the answer is A, but the correct answer is B.", 1),
        ("It is New York.", 1),
        ("York", 0),
        ("A city that I like is Paris", 2),
        ("York or Paris", None),
        ("D", None),
        ("I do not know", None),
        ("", None),
    ],
)
def test_a_choice_is_read_from_its_letter_or_its_text(answer: str, place: int | None):
    assert chosen(answer, CITIES) == place


def test_reasoning_is_no_part_of_an_answer():
    assert without_thought("<think>Paris? No.</think>London") == "London"
    assert without_thought("Paris? No.</think>London") == "London"
    assert without_thought("<think>Paris, and then it was cut") == ""
    assert without_thought("Paris") == "Paris"
    assert is_right("contains", "<think>Paris</think>London", ["Paris"], (), search=search) is False


def test_any_accepted_answer_is_right_by_every_rule():
    def right(rule, answer, *accepted):
        return is_right(rule, answer, accepted, CITIES, search=search)

    assert right("contains", "It is Big Apple", "New York", "Big Apple") is True
    assert right("exact", "nyc", "New York", "NYC") is True
    assert right("regex", "in 1984", r"\b19\d\d\b") is True
    assert right("regex", "in 2084", r"\b19\d\d\b") is False
    assert right("number", "it is 5", "4", "5") is True
    assert right("choice", "B", "B", "C") is True
    assert right("choice", "A", "B", "C") is False
    assert right("choice", "none", "B") is None
