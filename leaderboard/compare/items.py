"""The items that two candidates answered differently: found by words, and as rows to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from leaderboard.compare.comparison import ItemDifference

GAINED, LOST = "gained", "lost"


def direction(item: ItemDifference) -> str:
    """`gained` where the other scored higher than the reference, else `lost`."""
    return GAINED if item.other_score > item.reference_score else LOST


def matching(
    items: Sequence[ItemDifference], *, task: str = "", words: str = ""
) -> tuple[ItemDifference, ...]:
    """Items of a task or group whose texts hold every word.

    Args:
        items: of one comparison.
        task: task, subject or group; empty: all.
        words: parted by spaces, in any case; looked for in direction, task, document, hash, what
            is right, both answers and the prompt.
    """
    wanted = words.casefold().split()
    return tuple(
        item
        for item in items
        if (not task or task in (item.part, item.key.task))
        and all(word in _haystack(item) for word in wanted)
    )


def item_rows(items: Sequence[ItemDifference]) -> list[dict[str, Any]]:
    """One row an item, a column a key, as text and numbers that a table shows as they are.

    The choice that is right stands in brackets. Prompts and answers are there where some item has
    them.
    """
    rows = [_row(item) for item in items]
    used = {key for row in rows for key, value in row.items() if value not in (None, "")}
    return [{key: value for key, value in row.items() if key in used} for row in rows]


def whole_texts(items: Sequence[ItemDifference]) -> list[tuple[str, str]]:
    """Title and text of each generation that is more than its answer, the reference's first."""
    return [
        (f"{item.key.task} {item.key.doc_id}, {direction(item)}: {side}", text)
        for item in items
        for side, text in (("the reference", item.reference_raw), ("the other", item.other_raw))
        if text
    ]


def choices(logprobs: Sequence[float] | None, target: str | None) -> str:
    """The score of each choice in nats, the right one in brackets: `-3.21 | [-2.90]`."""
    if logprobs is None:
        return ""
    right = _right(target)
    return " | ".join(
        f"[{value:.2f}]" if number == right else f"{value:.2f}"
        for number, value in enumerate(logprobs)
    )


def _right(target: str | None) -> int | None:
    """Number of the right choice, where the target gives it as a number."""
    try:
        found = json.loads(target) if target is not None else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _row(item: ItemDifference) -> dict[str, Any]:
    return {
        "direction": direction(item),
        "task": item.key.task,
        "document": item.key.doc_id,
        "right": item.target,
        "reference's score": item.reference_score,
        "other's score": item.other_score,
        "reference's choices, nats": choices(item.reference_logprobs, item.target),
        "other's choices, nats": choices(item.other_logprobs, item.target),
        "reference's answer": item.reference_answer,
        "other's answer": item.other_answer,
        "prompt": item.prompt,
        "item": item.key.item,
    }


def _haystack(item: ItemDifference) -> str:
    texts = (
        direction(item),
        item.part,
        item.key.task,
        str(item.key.doc_id),
        item.key.item,
        item.target,
        item.reference_answer,
        item.other_answer,
        item.prompt,
    )
    return "\n".join(text for text in texts if text).casefold()
