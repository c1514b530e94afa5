"""Replies in JSON: what parses, what conforms, and what is right."""

from __future__ import annotations

import json

import pytest

from evals.scoring.schema import SchemaOptions, fault, steps

FORM = {
    "type": "object",
    "properties": {"base": {"type": "integer"}, "unit": {"type": "string"}},
    "required": ["base"],
    "additionalProperties": False,
}
FUNCTIONS = [{"name": "area", "parameters": FORM}]
TRUTH = {"area": {"base": [10], "unit": ["cm", ""]}}


@pytest.mark.parametrize(
    ("reply", "reached"),
    [
        ('{"base": 10}', 3),
        ('```json\n{"base": 10, "unit": "CM"}\n```', 3),
        ('{"base": 10}\n```', 3),  # it took the prompt's end for an opened block
        ('```\n{"base": 10}', 3),  # the stop string took the fence
        ('{"base": 11}', 2),
        ('{"base": "10"}', 1),
        ('{"base": 10, "height": 5}', 1),
        ('```json\n{"base": 10}\n```\nThat is the object.', 0),
        ('The object: {"base": 10}', 0),
        ('{"base": 10', 0),
        ("", 0),
        ("[" * 30_000, 0),
        ('{"base": NaN}', 0),
        ('{"base": -Infinity}', 0),
        ('{"base": 11, "base": 10}', 0),  # which of the two is meant?
        ('  ```JSON  \n{"base": 10}```  ', 3),
        ('{"base": 1' + "0" * 400 + "}", 2),
    ],
)
def test_a_reply_parses_conforms_and_is_right(reply: str, reached: int) -> None:
    found = steps(reply, FORM, FUNCTIONS, TRUTH)
    expected = {"parses": reached >= 1, "conforms": reached >= 2, "right": reached >= 3}
    assert found == {name: float(value) for name, value in expected.items()}


def test_a_reply_that_is_no_object_is_wrong_where_its_form_allows_it() -> None:
    found = steps("[]", {}, FUNCTIONS, TRUTH)
    assert found == {"parses": 1.0, "conforms": 1.0, "right": 0.0}


def test_a_form_that_is_none_is_said_before_anything_runs() -> None:
    doc = {"functions": json.dumps(FUNCTIONS), "truth": json.dumps(TRUTH)}
    assert not fault(SchemaOptions(), {**doc, "form": json.dumps(FORM)})
    says = fault(SchemaOptions(), {**doc, "form": json.dumps({"type": "integral"})})
    assert says.startswith("its form is no JSON schema (")
