"""A function call that a model wrote, held against the calls that are right.

The rules are those of the Berkeley Function-Calling Leaderboard's AST check (Patil et al. 2025):
the function's name, no parameter that it has not, every required one, and each value among the
accepted ones. A whole number passes for a float, texts are compared without case, spaces and
punctuation, and an optional parameter may be left out where the answers say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.scoring.scorer import MOST_TEXT
from evals.scoring.written_calls import FENCE, Call, calls_in, calls_one_of, plain_name
from evals.spec_file import Spec

METRICS = ("right", "called")
_DECLINES = re.compile(
    r"\A\W*(?:none|null|n/a)\b(?! *=)|\bnone of\b|\bno\b[^.\n]{0,60}\b(?:function|tool|call)s?\b"
    r"|\b(?:function|tool)s?\b[^.\n]{0,60}(?:\bnot\b|n't\b|\bcannot\b)"
    r"|\b(?:cannot|can't|can not|unable to|not able to|sorry)\b",
    re.IGNORECASE,
)
_IGNORED = re.compile(r"[ \,\.\/\-\_\*\^]")
OMITTED = ""
"""Among a parameter's accepted values: it may be left out."""


class CallsOptions(Spec):
    """Options of the scorer `calls`: names of a document's columns, each JSON."""

    functions: str = "functions"
    """The functions that there are: name, and a JSON schema of parameters."""
    truth: str = "truth"
    """The right call, `{name: {parameter: [accepted, …]}}`; empty: none of the functions fits."""


def score(options: CallsOptions, doc: Mapping[str, Any], answer: str) -> dict[str, float]:
    """`right`, and in `called` whether anything that is a call was written at all.

    Where none fits the leaderboard counts whatever is no call as right, which a model that babbles
    mostly writes; here the answer has to say that none fits, and call none of them.
    """
    functions = json.loads(doc[options.functions])
    truth = json.loads(doc[options.truth] or "null") or {}
    calls = calls_in(answer)
    right = is_right(calls, truth, functions)
    if not truth:
        names = [one["name"] for one in functions]
        right = right and declines(answer) and not calls_one_of(answer, names)
    return {"right": float(right), "called": float(bool(calls))}


def fault(options: CallsOptions, doc: Mapping[str, Any]) -> str:
    """Why no answer to a document can be judged; empty where one can."""
    functions = json.loads(doc[options.functions])
    truth = json.loads(doc[options.truth] or "null")
    return fault_of_truth(truth, functions) if truth else _fault_of_names(functions)


def _fault_of_names(functions: Any) -> str:
    named = isinstance(functions, list) and all(isinstance(one["name"], str) for one in functions)
    return "" if named else "its functions are no list of {name, parameters}"


def fault_of_truth(truth: Any, functions: Any) -> str:
    """Why a right call cannot be compared with; empty where it can.

    Args:
        truth: `{name: {parameter: [accepted, …]}}`.
        functions: that there are.
    """
    if lacking := _fault_of_names(functions):
        return lacking
    told = [*truth.values()] if isinstance(truth, dict) else []
    if len(told) != 1 or not isinstance(told[0], dict):
        return "its right call is not {name: {parameter: [accepted, …]}}"
    ((name, accepted),) = truth.items()
    known = next((one for one in functions if one["name"] == name), None)
    if known is None:
        return f'its right call "{name}" is none of its functions'
    declared = known["parameters"].get("properties", {})
    for parameter, values in accepted.items():
        if not isinstance(values, list | dict | str):
            return f'what it accepts for "{parameter}" is no list'
        if parameter not in declared and OMITTED not in values:
            return f'its right call has "{parameter}", which "{name}" has not'
    return ""


def is_right(
    calls: Sequence[Call], truth: Mapping[str, Any], functions: Sequence[Mapping[str, Any]]
) -> bool:
    """True for exactly the right call, and for no call at all where none is right."""
    if not truth:
        return not calls
    if len(calls) != 1:
        return False
    (call,) = calls
    ((name, accepted),) = truth.items()
    known = next((one for one in functions if one["name"] == name), None)
    if known is None or plain_name(call.name) != plain_name(name):
        return False
    parameters = known["parameters"]
    declared = parameters.get("properties", {})
    required = parameters.get("required", [])
    if any(one not in declared for one in call.arguments):
        return False
    if any(one not in call.arguments for one in required):
        return False
    left_out = [one for one in accepted if one not in call.arguments]
    if any(OMITTED not in accepted[one] for one in left_out):
        return False
    return all(_accepted(value, accepted.get(one, [])) for one, value in call.arguments.items())


def gold(truth: Mapping[str, Any]) -> Call:
    """The right call with the first accepted value of each parameter."""
    ((name, parameters),) = truth.items()
    return Call(name=name, arguments=_first_of_each(parameters))


def _first_of_each(accepted: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, values in accepted.items():
        kept = [one for one in values if one != OMITTED] if isinstance(values, list) else [values]
        if kept or not values:  # without any value, the parameter itself is an empty list
            found[name] = _first(kept) if kept else []
    return found


def _first(kept: Sequence[Any]) -> Any:
    one = kept[0]
    if isinstance(one, list):
        return [_first_of_each(x) if isinstance(x, dict) else x for x in one]
    return _first_of_each(one) if isinstance(one, dict) else one


def declines(answer: str) -> bool:
    """True where an answer says, outside of code, that no function fits or that it cannot."""
    words = FENCE.sub(_bare_word, answer[:MOST_TEXT])
    return bool(_DECLINES.search(words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))


def _bare_word(block: re.Match[str]) -> str:
    """What is left of a code block: a single word, as in a fenced `none`."""
    return block[1] if re.fullmatch(r"\W*\w+\W*", block[1]) else " "


def _accepted(value: Any, accepted: Any) -> bool:
    """True for one of the accepted values; a mapping stands for itself, and an empty list, too."""
    choices = accepted if isinstance(accepted, list) and accepted else [accepted]
    return any(_same(value, one) for one in choices)


def _same(value: Any, right: Any) -> bool:
    """True where a value is an accepted one, as the leaderboard compares them."""
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, int | float) and isinstance(right, int | float):
        return value == right
    if isinstance(value, str) and isinstance(right, str):
        return _bare(value) == _bare(right)
    if isinstance(value, list | tuple) and isinstance(right, list):
        return len(value) == len(right) and all(map(_same, value, right))
    if isinstance(value, dict) and isinstance(right, dict):
        return _same_mapping(value, right)
    return bool(value == right)


def _same_mapping(value: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """In a mapping each key has its own accepted values."""
    if any(key not in right for key in value):
        return False
    for key, accepted in right.items():
        choices = accepted if isinstance(accepted, list) else [accepted]
        if key not in value:
            if OMITTED not in choices:
                return False
        elif not _accepted(value[key], choices):
            return False
    return True


def _bare(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')
