"""A function call that a model wrote, held against the calls that are right.

The rules are those of the Berkeley Function-Calling Leaderboard's AST check (Patil et al. 2025):
the function's name, no parameter that it has not, every required one, and each value among the
accepted ones. A whole number passes for a float, texts are compared without case, spaces and
punctuation, and an optional parameter may be left out where the answers say so.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.spec_file import Spec

METRICS = ("right", "called")
_FENCE = re.compile(r"```[\w+-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_START = re.compile(r"(?<![\w.])(?<!def )(?<!class )[A-Za-z_][\w.]*\s*\(")
"""Not the head of a definition: `def area(base=10):` calls nothing."""
_DECLINES = re.compile(
    r"\A\W*(?:none|null|n/a)\b(?! *=)|\bnone of\b|\bno\b[^.\n]{0,60}\b(?:function|tool|call)s?\b"
    r"|\b(?:function|tool)s?\b[^.\n]{0,60}(?:\bnot\b|n't\b|\bcannot\b)"
    r"|\b(?:cannot|can't|can not|unable to|not able to|sorry)\b",
    re.IGNORECASE,
)
_IGNORED = re.compile(r"[ \,\.\/\-\_\*\^]")
OMITTED = ""
"""Among a parameter's accepted values: it may be left out."""
MOST_TEXT = 20_000


class CallsOptions(Spec):
    """Options of the scorer `calls`: names of a document's columns, each JSON."""

    functions: str = "functions"
    """The functions that there are: name, and a JSON schema of parameters."""
    truth: str = "truth"
    """The right call, `{name: {parameter: [accepted, …]}}`; empty: none of the functions fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it was written."""

    name: str
    arguments: Mapping[str, Any]


def score(options: CallsOptions, doc: Mapping[str, Any], answer: str) -> dict[str, float]:
    """`right`, and in `called` whether anything that is a call was written at all.

    Where none fits the leaderboard counts whatever is no call as right, which a model that babbles
    mostly writes; here the answer has to say that none fits.
    """
    functions = json.loads(doc[options.functions])
    truth = json.loads(doc[options.truth] or "null") or {}
    calls = calls_in(answer)
    right = is_right(calls, truth, functions) and (bool(truth) or declines(answer))
    return {"right": float(right), "called": float(bool(calls))}


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
    if known is None or _plain_name(call.name) != _plain_name(name):
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
    words = _FENCE.sub(_bare_word, answer[:MOST_TEXT])
    return bool(_DECLINES.search(words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))


def _bare_word(block: re.Match[str]) -> str:
    """What is left of a code block: a single word, as in a fenced `none`."""
    return block[1] if re.fullmatch(r"\W*\w+\W*", block[1]) else " "


def calls_in(answer: str) -> list[Call]:
    """The calls in an answer: JSON (`name` and `arguments`), or Python, alone or in a list.

    Looked for in what is tagged as a call, else in the first code block, else in the whole.
    """
    text = answer[:MOST_TEXT]
    tagged = _TAGGED.findall(text)
    blocks = tagged or _FENCE.findall(text)[:1] or [text]
    return [call for block in blocks for call in _of_block(block.strip())]


def _of_block(block: str) -> list[Call]:
    try:
        return _of_json(json.loads(block))
    except (ValueError, RecursionError):
        pass
    return _of_python(block) or list(_scattered(block))


def _scattered(text: str) -> Iterator[Call]:
    """Calls between which a model says something else, each once: to repeat one is not to call it
    twice.
    """
    past, seen = 0, set()
    for match in _START.finditer(text):
        end = _closing(text, match.end() - 1) if match.start() >= past else 0
        for call in _of_python(text[match.start() : end]):
            past = end
            if repr(call) not in seen:
                seen.add(repr(call))
                yield call


def _of_json(content: Any) -> list[Call]:
    entries = content if isinstance(content, list) else [content]
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            return []
        inner = entry.get("function", entry)
        name = inner.get("name") if isinstance(inner, dict) else None
        told = inner.get("arguments", inner.get("parameters", {})) if name else None
        if isinstance(told, str):
            try:
                told = json.loads(told)
            except ValueError:
                return []
        if not isinstance(name, str) or not isinstance(told, dict):
            return []
        found.append(Call(name=name, arguments=told))
    return found


def _of_python(text: str) -> list[Call]:
    """Calls with keywords alone, and values that are written out."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_call(node) for node in nodes]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _call(node: ast.expr) -> Call:
    """One call.

    Raises:
        ValueError: it is none, or a value is an expression.
    """
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with keywords")
    arguments = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError("unpacks a mapping")
        arguments[keyword.arg] = ast.literal_eval(keyword.value)
    return Call(name=ast.unparse(node.func), arguments=arguments)


def _closing(text: str, opening: int) -> int:
    """Place behind the bracket that closes one; 0 where none does. Texts in quotes are skipped."""
    depth, quote, place = 0, "", opening
    while place < len(text):
        letter = text[place]
        if quote:
            place += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return 0


def _plain_name(name: str) -> str:
    """A function's name; models that may not write dots write underscores."""
    return name.replace(".", "_")


def _accepted(value: Any, accepted: Any) -> bool:
    """True for one of the accepted values; a mapping stands for itself, and an empty list, too."""
    choices = accepted if isinstance(accepted, list) and accepted else [accepted]
    return any(_same(value, one) for one in choices)


def _same(value: Any, right: Any) -> bool:
    """True where a value is an accepted one, as the leaderboard compares them."""
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, int | float) and isinstance(right, int | float):
        return float(value) == float(right)
    if isinstance(value, str) and isinstance(right, str):
        return _bare(value) == _bare(right)
    if isinstance(value, list | tuple) and isinstance(right, list):
        return len(value) == len(right) and all(
            _same(a, b) or (isinstance(b, list) and _accepted(a, b))
            for a, b in zip(value, right, strict=True)
        )
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
        elif not (_accepted(value[key], choices) or _same(value[key], accepted)):
            return False
    return True


def _bare(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')
