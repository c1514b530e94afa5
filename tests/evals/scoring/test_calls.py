"""Function calls: every way in which a model writes one, and what makes it right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.scoring.calls import CallsOptions, fault, gold, is_right, score
from evals.scoring.written_calls import Call, calls_in, calls_one_of

FUNCTIONS = [
    {
        "name": "math.area",
        "parameters": {
            "type": "dict",
            "properties": {
                "base": {"type": "integer"}, "unit": {"type": "string"},
                "sides": {"type": "array"}, "options": {"type": "dict"},
            },
            "required": ["base"],
        },
    }
]  # fmt: skip
TRUTH = {"math.area": {"base": [10], "unit": ["cm^2", ""], "sides": [[1, 2], ""]}}


def right(answer: str, truth: dict[str, Any] = TRUTH) -> bool:
    return is_right(calls_in(answer), truth, FUNCTIONS)


@pytest.mark.parametrize(
    "answer",
    [
        "math.area(base=10)",
        "[math.area(base=10, unit='cm^2')]",
        "math_area(base=10)",
        "math.area(base=10.0, sides=[1, 2])",
        "math.area(base=10, unit='CM2')",
        "```python\nmath.area(base=10)\n```\nThis computes it.",
        '{"name": "math.area", "arguments": {"base": 10}}',
        '[{"function": {"name": "math.area", "arguments": "{\\"base\\": 10}"}}]',
        '<tool_call>\n{"name": "math.area", "arguments": {"base": 10}}\n</tool_call>',
        "Sure (of course)! math.area(base=10, unit='cm^2') does it.",
        "math.area(base=10)\n\nThe call `math.area(base=10)` computes it.",
    ],
)
def test_a_right_call_in_whatever_form(answer: str) -> None:
    assert right(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "math.area(base=11)",
        "math.area(base='10')",
        "math.area(base=True)",
        "math.area(10)",
        "math.area()",
        "math.area(base=10, height=5)",
        "math.area(base=10, unit='m')",
        "area(base=10)",
        "math.area(base=10); math.area(base=11)",
        "```python\ndef math_area(base=10):\n    return base\n```",
        "[math.area(base=10), math.area(base=10)]",
        "math.area(base=5 + 5)",
        "math.area(base=__import__('os').getpid())",
        "math.area(base=10, options={[1]: 2})",  # no Python mapping
        "math.area(base=1" + "0" * 400 + ")",  # beyond the largest float
        "Sure: math.area(base=0x" + "f" * 5000 + ") does it.",  # more digits than Python prints
        "math.area(base=10, sides=[[1, 2], [1, 2]])",
        "none",
        "",
        "(" * 5000,
    ],
)
def test_a_wrong_one(answer: str) -> None:
    assert not right(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("none", True),
        ("`None`.", True),
        ("```python\nnone\n```", True),
        ("None of these functions fits the request.", True),
        ("No suitable function is available.", True),
        ("There's no function for that.", True),
        ("The given function doesn't tell the weather.", True),
        ("I\u2019m sorry, but I can\u2019t do that.", True),
        ("math.area(base=1)", False),
        ("None of them fits, so: math.area(base=1)", False),
        # What a model that babbles writes is no call, and says nothing of its fitting.
        ("", False),
        ("The weather in Paris is sunny.", False),
        ("```python\ndef weather(city=None):\n    return None\n```", False),
        ("def weather(city=None):\n    return None", False),
        ("def weather(city=None):\n    return None\n\nNone of these functions fits.", True),
        ("none = 1", False),
    ],
)
def test_where_no_function_fits_the_right_answer_says_so(answer: str, expected: bool) -> None:
    doc = {"functions": json.dumps(FUNCTIONS), "truth": ""}
    assert score(CallsOptions(), doc, answer)["right"] == float(expected)


def test_an_optional_parameter_may_be_left_out_only_where_the_answers_say_so() -> None:
    truth = {"math.area": {"base": [10], "unit": ["cm"]}}
    assert not right("math.area(base=10)", truth)
    assert right("math.area(base=10, unit='cm')", truth)


def test_mappings_and_lists_have_accepted_values_of_their_own() -> None:
    truth = {"math.area": {"base": [1], "options": [{"a": [1, 2], "b": ["x", ""]}]}}
    assert right("math.area(base=1, options={'a': 2})", truth)
    assert not right("math.area(base=1, options={'a': 3})", truth)
    assert not right("math.area(base=1, options={'a': 1, 'c': 1})", truth)
    assert right("math.area(base=1, sides=[])", {"math.area": {"base": [1], "sides": []}})


def test_a_list_is_one_value_and_its_lists_are_no_alternatives() -> None:
    truth = {"math.area": {"base": [1], "sides": [[[10, 20], [30, 40]]]}}
    assert right("math.area(base=1, sides=[[10, 20], [30, 40]])", truth)
    assert not right("math.area(base=1, sides=[10, 30])", truth)
    within = {"math.area": {"base": [1], "options": [{"at": [[10, 20]]}]}}
    assert right("math.area(base=1, options={'at': [10, 20]})", within)
    assert not right("math.area(base=1, options={'at': [[10, 20]]})", within)


@pytest.mark.parametrize(
    ("answer", "called"),
    [
        ("area(10, 5)\n\nThis function does not take a unit.", True),
        ("`area(10, 5)`", True),
        ("Call: math_area(10,\n  5)\nbut it does not fit", True),
        ("```python\nprint(area(10, 5))\n```\nNo function fits.", True),
        ("The function area(base, height) does not tell the weather.", False),
        ("area(base, height) does not tell the weather.", False),
        ("```python\ndef area(base):\n    ...\n```\nNone fits.", False),
        ("weather(10)", False),
    ],
)
def test_who_calls_a_function_does_not_decline_it(answer: str, called: bool) -> None:
    assert calls_one_of(answer, ["area", "math.area"]) == called
    functions = json.dumps([{"name": name, "parameters": {}} for name in ("area", "math.area")])
    found = score(CallsOptions(), {"functions": functions, "truth": ""}, answer)
    assert not (called and found["right"])


def test_a_function_that_is_spoken_of_can_be_declined() -> None:
    doc = {"functions": json.dumps(FUNCTIONS), "truth": ""}
    said = "The function math_area(base) does not tell the weather."
    assert score(CallsOptions(), doc, said)["right"] == 1.0
    assert score(CallsOptions(), doc, "math.area(10)\n\nThis function does not.")["right"] == 0.0


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (TRUTH, ""),
        (None, ""),
        ([1], "its right call is not {name"),
        ({"math.area": [10]}, "its right call is not {name"),
        ({"volume": {}}, 'its right call "volume" is none of its functions'),
        ({"math.area": {"base": 10}}, 'what it accepts for "base" is no list'),
        ({"math.area": {"height": [1]}}, 'its right call has "height", which "math.area" has not'),
    ],
)
def test_documents_that_nobody_can_be_right_on(truth: Any, says: str) -> None:
    doc = {"functions": json.dumps(FUNCTIONS), "truth": json.dumps(truth)}
    found = fault(CallsOptions(), doc)
    assert found.startswith(says)
    assert bool(found) == bool(says)


def test_the_gold_call_is_right() -> None:
    call = gold(TRUTH)
    assert call == Call(name="math.area", arguments={"base": 10, "unit": "cm^2", "sides": [1, 2]})
    assert is_right([call], TRUTH, FUNCTIONS)
    assert right(json.dumps({"name": call.name, "arguments": call.arguments}))
