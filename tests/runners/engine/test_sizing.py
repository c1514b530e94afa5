"""How long the context is that a task's prompts are answered in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runners.engine.sizing import context_length
from runners.worker import protocol

ITEM = protocol.GenerateItem(
    prompt="a b c", until=[], max_tokens=4, temperature=0, top_k=0, top_p=1, seed=0
)
LONG = replace(ITEM, prompt="a b c d e f")
THINKING = replace(
    ITEM, thinking=protocol.Thinking(start="", end="</think>", opened=False, max_tokens=20)
)


@pytest.mark.parametrize(
    ("tokens", "items", "own", "expected"),
    [
        (8, [ITEM], 64, 8),
        (8, [ITEM, LONG], 64, 10),  # 6 and 4
        (8, [ITEM, THINKING], 64, 27),  # 3, 4 and 20
        (8, [THINKING], 16, 16),
        (64, [], 64, 64),
        (128, [], 64, 64),
    ],
)
def test_a_context_holds_its_longest_item(
    tokens: int, items: list[protocol.GenerateItem], own: int, expected: int
) -> None:
    message = protocol.OpenContext(tokens=tokens, items=items)
    assert context_length(message, lambda text, _: text.split(), own=own) == expected
