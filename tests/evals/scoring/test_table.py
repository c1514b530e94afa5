"""Scorers by name, with their options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SpecError
from evals.scoring.scorer import Means
from evals.scoring.table import SCORERS, VERSIONS, each, find_scorer, version_of

MEANS = Means(execute=lambda _: True, search=lambda pattern, text: pattern in text)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("cod", r't: there is no scorer "cod" \(did you mean "code"'),
        (["code"], "t: scorer is a name, or a name with its options"),
        ({"code": [1]}, "t: scorer is a name, or a name with its options"),
        ({"code": {"test": "x"}}, "t: scorer code, test: Extra inputs are not permitted"),
        ({"code": {"k": [0]}}, r"t: scorer code, k\.0: Input should be greater than"),
        ({"rule": {"rule": "near"}}, "t: scorer rule, rule: Input should be 'contains'"),
    ],
)
def test_what_names_no_scorer_is_one_line(told: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        find_scorer(told, "t")


def test_a_rule_judges_by_any_of_what_is_accepted() -> None:
    number = find_scorer({"rule": {"rule": "number", "accepted": "gold"}}, "t")
    assert not number.executes
    assert number({"gold": ["18", "19"]}, ["so it is 19."], MEANS) == {"right": 1.0}
    # One of two answers is right.
    assert number({"gold": 18}, ["17", "It is 18"], MEANS) == {"right": 0.5}
    contains = find_scorer("rule", "t")
    assert contains({"answer": "blue"}, ["The sky is Blue."], MEANS) == {"right": 1.0}


def test_the_scorer_that_contributing_shows_works() -> None:
    text = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(code.splitlines()) <= 22
    names: dict[str, Any] = {}
    exec(code, names)
    make = each(names["NamesOptions"], names["score"], names["METRICS"])
    scorer = make({"words": "wanted"}, 1)
    # One of two words, then both: 3/4 on average.
    answers = ["red", "red and blue"]
    assert scorer({"wanted": ["red", "blue"]}, answers, MEANS) == {"named": 0.75}
    assert (scorer.metrics, scorer.executes, scorer.answers) == (("named",), False, 1)


@pytest.mark.parametrize(
    ("told", "doc", "says"),
    [
        ("rule", {"answer": "blue"}, ""),
        ("rule", {"answer": ["blue", 7]}, ""),
        ("rule", {"answer": ""}, 'what is right (column "answer") is no text'),
        ("rule", {"answer": None}, 'what is right (column "answer") is no text: None'),
        ("rule", {"answer": [None]}, 'what is right (column "answer") is no text: None'),
        ("rule", {"answer": {"text": "blue"}}, 'what is right (column "answer") is no text'),
        ("rule", {"answer": []}, 'nothing is right (column "answer" is an empty list)'),
        ({"rule": {"rule": "number"}}, {"answer": "9.81 ± 0.05"}, ""),
        ({"rule": {"rule": "number"}}, {"answer": "four"}, 'column "answer" has the answer "four"'),
        ({"rule": {"rule": "regex"}}, {"answer": "("}, 'column "answer" has an answer that is no'),
        ("found", {"values": "4815162"}, ""),
        ("found", {"values": []}, 'what is right (column "values") is no text and no list of'),
        ("found", {"values": ["a", " "]}, 'what is right (column "values") is no text'),
        ("code", {"tests": "assert f()"}, ""),
        ("code", {"tests": ["assert f()"]}, 'its tests (column "tests") are no text'),
        ("code", {"tests": ""}, 'its tests (column "tests") are no text'),
        ({"code": {"before": "p"}}, {"tests": "a", "p": None}, "what its code goes on from"),
    ],
)
def test_a_document_that_no_answer_can_be_held_against(
    told: object, doc: dict[str, Any], says: str
) -> None:
    found = find_scorer(told, "t").fault_of(doc)
    assert found.startswith(says)
    assert bool(found) == bool(says)


def test_every_scorer_has_a_version() -> None:
    assert set(VERSIONS) <= set(SCORERS)
    assert version_of("found") == version_of({"code": {"k": [1]}}) == 1
    assert version_of("spans") == version_of({"spans": {"accepted": "a"}}) == VERSIONS["spans"]
