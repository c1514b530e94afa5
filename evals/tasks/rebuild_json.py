"""Documents of packages that carry JSON as its authors publish it -> columns of a task.

Pure functions. Whatever differs in type from document to document (a call's values) is kept as
JSON text, since a table's column has one type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evals.scoring.calls import gold
from evals.scoring.schema import conforms

Row = dict[str, Any]
Documents = Iterable[Mapping[str, Any]]

_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}
"""Types of the Berkeley leaderboard that JSON schema calls otherwise; None: any."""
_KEPT = ("description", "enum", "default", "minimum", "maximum", "minItems", "maxItems")


def squad2(document: Mapping[str, Any]) -> list[Row]:
    """SQuAD 2.0: id, title, context, question, answers (texts, each once; none: unanswerable)."""
    return [
        {
            "id": question["id"],
            "title": article["title"],
            "context": paragraph["context"],
            "question": question["question"].strip(),
            "answers": list(dict.fromkeys(one["text"] for one in question["answers"])),
        }
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]


def hotpotqa(documents: Documents) -> list[Row]:
    """HotpotQA with distractors: id, question, answers, context (ten titled paragraphs)."""
    return [
        {
            "id": one["_id"],
            "question": one["question"],
            "answers": [one["answer"]],
            "context": "\n\n".join(
                f"{title}\n{''.join(sentences).strip()}" for title, sentences in one["context"]
            ),
        }
        for one in documents
    ]


def bfcl(documents: Documents) -> list[Row]:
    """Function calls: id, question, functions and truth as JSON; an empty truth: none fits."""
    return [
        {
            "id": one["id"],
            "question": _question(one),
            "functions": json.dumps(one["function"]),
            "truth": json.dumps(one["ground_truth"][0]) if one.get("ground_truth") else "",
        }
        for one in documents
    ]


def bfcl_schema(documents: Documents) -> list[Row]:
    """Replies in JSON made of calls with one function: beside `bfcl`'s, the form as JSON schema.

    A document whose right answer is none by its own schema is left out: nobody can be right.
    """
    rows = []
    for row, one in zip(bfcl(kept := list(documents)), kept, strict=True):
        (function,) = one["function"]
        form = {**json_schema(function["parameters"]), "additionalProperties": False}
        if conforms(gold(one["ground_truth"][0]).arguments, form):
            about = function.get("description", "")
            rows.append({**row, "form": json.dumps(form), "described": about})
    return rows


def json_schema(parameters: Mapping[str, Any]) -> Row:
    """A JSON schema of what the leaderboard calls a function's parameters."""
    told = parameters.get("type", "any")
    kind = _TYPES.get(told, told)
    schema: Row = {key: parameters[key] for key in _KEPT if key in parameters}
    if kind is not None:
        schema["type"] = kind
    if "properties" in parameters:
        inner = parameters["properties"]
        schema["properties"] = {name: json_schema(one) for name, one in inner.items()}
        schema["required"] = [one for one in parameters.get("required", []) if one in inner]
    if isinstance(parameters.get("items"), Mapping):
        schema["items"] = json_schema(parameters["items"])
    return schema


def as_they_are(documents: Documents) -> list[Row]:
    """Documents whose columns a task wants as they are."""
    return [dict(one) for one in documents]


def _question(document: Mapping[str, Any]) -> str:
    """The request; a system text before it stands above."""
    (turn,) = document["question"]
    return "\n\n".join(message["content"].strip() for message in turn)


REBUILDS_JSON: dict[str, Callable[[Any], list[Row]]] = {
    "squad2": squad2, "hotpotqa": hotpotqa, "bfcl": bfcl, "bfcl_schema": bfcl_schema,
    "as_they_are": as_they_are,
}  # fmt: skip
