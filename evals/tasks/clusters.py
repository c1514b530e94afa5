"""Find items that belong together: those about one text are no independent evidence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

PASSAGES = ("passage", "context", "story", "article", "paragraph")
"""Names that data sets give a text which several of their questions are about."""
KEY = "cluster"
"""Key of the clustering column, in a task file's `metadata` and in a suite's entry."""
BEGINNING = "beginning"
"""Value in place of a column: items are clustered by the long beginning that their prompts
share."""
LEAST_SHARED = 200
"""Characters, beyond those that all prompts of a task begin with: a shared text, not a phrase."""


def cluster_of(doc: Mapping[str, Any], column: str = "") -> str | None:
    """Hash of what a document shares with others of its task; None where that is nothing.

    Args:
        doc: the document.
        column: what clusters; empty: any text that is called a passage, context, story, article or
            paragraph.
    """
    if column:
        value = doc.get(column)
        return None if value is None else _hash([value])
    texts = [doc[key] for key in PASSAGES if isinstance(doc.get(key), str)]
    return _hash(texts) if texts else None


def shared_beginnings(prompts: Sequence[str]) -> list[str | None]:
    """Hash of each prompt's long beginning where another has it, too; else None.

    What all prompts begin with (an instruction, few-shot examples) is left out of account.
    """
    if len(prompts) < 2:
        return [None] * len(prompts)
    length = _common(min(prompts), max(prompts)) + LEAST_SHARED
    beginnings = [prompt[:length] if len(prompt) >= length else None for prompt in prompts]
    times = Counter(beginnings)
    return [
        _hash([text]) if text is not None and 1 < times[text] < len(prompts) else None
        for text in beginnings
    ]


def _common(first: str, last: str) -> int:
    """Characters that both begin with; of the least and greatest of several, that all do."""
    pairs = enumerate(zip(first, last, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(last)))


def _hash(content: list[Any]) -> str:
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]
