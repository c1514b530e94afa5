"""Answers judged by how many of the right values they hold, as RULER's string match does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.spec_file import Spec

METRICS = ("found",)
_THOUSANDS = re.compile(r"(?<=\d)[,\u00a0\u202f'](?=\d{3}(?!\d))")
_PART = r"[^\W_]"
"""A letter or a digit: what a value may not be followed or preceded by."""


class FoundOptions(Spec):
    """Options of the scorer `found`."""

    values: str = "values"
    """Column of what is right: a text, or a list of texts, all of which belong into the answer."""


def score(options: FoundOptions, doc: Mapping[str, Any], answer: str) -> dict[str, float]:
    """Score an answer by the share of the right values in it."""
    told = doc[options.values]
    values = [str(one) for one in told] if isinstance(told, list) else [str(told)]
    return {"found": share_found(values, answer)}


def fault(options: FoundOptions, doc: Mapping[str, Any]) -> str:
    """Why no answer to a document can be judged; empty where one can."""
    told = doc[options.values]
    values = told if isinstance(told, list) else [told]
    texts = [one for one in values if isinstance(one, str | int | float) and str(one).strip()]
    if values and len(texts) == len(values):
        return ""
    return (
        f'what is right (column "{options.values}") is no text and no list of texts: {told!r:.60}'
    )


def share_found(values: Sequence[str], answer: str) -> float:
    """The share of values that stand in an answer as words of their own, capitals aside.

    A number is found with thousands set apart, too: 4,815,162. At least one value.
    """
    text = _THOUSANDS.sub("", answer)
    found = [
        re.search(rf"(?<!{_PART}){re.escape(one)}(?!{_PART})", text, re.IGNORECASE)
        for one in values
    ]
    return sum(one is not None for one in found) / len(values)
