"""A reply that should be JSON of a given form: does it parse, conform, and say what is right?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.scoring.calls import fault_of_truth, is_right
from evals.scoring.scorer import MOST_TEXT
from evals.scoring.written_calls import Call
from evals.spec_file import Spec

METRICS = ("right", "conforms", "parses")
_FENCE = "```"
_OPENED = re.compile(r"\A```(?:json)?[^\S\n]*\n", re.IGNORECASE)


class SchemaOptions(Spec):
    """Options of the scorer `schema`: names of a document's columns, each JSON."""

    form: str = "form"
    """JSON schema of the reply."""
    functions: str = "functions"
    truth: str = "truth"
    """Accepted values of each key, as the scorer `calls` has them."""


def score(options: SchemaOptions, doc: Mapping[str, Any], answer: str) -> dict[str, float]:
    """Three steps of a reply; each can be reached only by way of the one before."""
    schema = json.loads(doc[options.form])
    return steps(answer, schema, json.loads(doc[options.functions]), json.loads(doc[options.truth]))


def fault(options: SchemaOptions, doc: Mapping[str, Any]) -> str:
    """Why no answer to a document can be judged; empty where one can."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(json.loads(doc[options.form]))
    except jsonschema.SchemaError as error:
        return f"its form is no JSON schema ({error.message[:100]})"
    return fault_of_truth(json.loads(doc[options.truth]), json.loads(doc[options.functions]))


def steps(
    answer: str, schema: Mapping[str, Any], functions: Sequence[Mapping[str, Any]],
    truth: Mapping[str, Any],
) -> dict[str, float]:  # fmt: skip
    """The three steps of one reply."""
    none = {"parses": 0.0, "conforms": 0.0, "right": 0.0}
    try:
        content = read(unfenced(answer[:MOST_TEXT]))
    except (ValueError, RecursionError):
        return none
    if not conforms(content, schema):
        return {**none, "parses": 1.0}
    (name,) = truth
    right = isinstance(content, dict) and is_right(
        [Call(name=name, arguments=content)], truth, functions
    )
    return {"parses": 1.0, "conforms": 1.0, "right": float(right)}


def read(text: str) -> Any:
    """The content of JSON by its standard (RFC 8259), which has no NaN; a key stands once.

    Raises:
        ValueError: it is none.
    """
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def unfenced(answer: str) -> str:
    """The reply without the code fence that chat models put around JSON, or at one end of it."""
    return _OPENED.sub("", answer.strip()).removesuffix(_FENCE)


def conforms(content: Any, schema: Mapping[str, Any]) -> bool:
    """True where the content is valid by the JSON schema."""
    import jsonschema

    checker = jsonschema.Draft202012Validator(schema)
    try:
        return bool(checker.is_valid(content))
    except RecursionError:
        return False
