"""A reply that should be JSON of a given form: does it parse, conform, and say what is right?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.scoring.calls import Call, is_right
from evals.spec_file import Spec

METRICS = ("right", "conforms", "parses")
_FENCED = re.compile(r"\A\s*(?:```(?:json)?\s*\n)?(.*?)\s*(?:```)?\s*\Z", re.DOTALL | re.IGNORECASE)
MOST_TEXT = 20_000


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


def steps(
    answer: str, schema: Mapping[str, Any], functions: Sequence[Mapping[str, Any]],
    truth: Mapping[str, Any],
) -> dict[str, float]:  # fmt: skip
    """The three steps of one reply."""
    none = {"parses": 0.0, "conforms": 0.0, "right": 0.0}
    try:
        content = json.loads(unfenced(answer[:MOST_TEXT]))
    except (ValueError, RecursionError):
        return none
    if not conforms(content, schema):
        return {**none, "parses": 1.0}
    (name,) = truth
    right = is_right([Call(name=name, arguments=content)], truth, functions)
    return {"parses": 1.0, "conforms": 1.0, "right": float(right)}


def unfenced(answer: str) -> str:
    """The reply without the code fence that chat models put around JSON, or at one end of it."""
    found = _FENCED.match(answer)
    return found[1] if found else answer


def conforms(content: Any, schema: Mapping[str, Any]) -> bool:
    """True where the content is valid by the JSON schema."""
    import jsonschema

    checker = jsonschema.Draft202012Validator(schema)
    try:
        return bool(checker.is_valid(content))
    except RecursionError:
        return False
