"""Several generations at a time, by a model that counts down to its end."""

from __future__ import annotations

from typing import Any

import numpy as np

from runners.engine.answer_text import TokenLimits
from runners.engine.one_request import Prompt
from runners.engine.packed import generated
from runners.worker import protocol

VOCABULARY = 256


class CountingDown:
    """What follows a token is the one below it."""

    batch_tokens, rows = 64, 64

    def clear(self) -> None: ...

    def decode(
        self, tokens: np.ndarray, _p: np.ndarray, _s: np.ndarray, _c: np.ndarray, flags: np.ndarray
    ) -> np.ndarray:
        return np.eye(VOCABULARY, dtype=np.float32)[tokens[flags == 1] - 1]


class Numbers:
    """Token 0 ends a text; every other is a letter."""

    def piece(self, token: int) -> bytes:
        return b"a"

    first_piece = piece

    def text_of(self, token: int) -> str:
        return "a"

    def decode(self, tokens: list[int]) -> str:
        return "a" * len(tokens)

    def ends(self, token: int) -> bool:
        return token == 0


def answered(lasts: list[int], *, cells: int) -> tuple[protocol.Generated, list[int]]:
    """Answers to prompts that count down from `lasts`, and what was told on the way."""
    told: list[int] = []
    model: Any = CountingDown()
    prompts = [
        (
            protocol.GenerateItem(
                prompt="", until=[], max_tokens=200, temperature=0, top_k=0, top_p=1, seed=0
            ),
            Prompt(tokens=[number, last], truncated=False, limits=TokenLimits(answer=200)),
        )
        for number, last in enumerate(lasts)
    ]
    texts = generated(model, Numbers(), prompts, cells=cells, sequences=9, progress=told.append)
    return texts, told


def test_each_answer_is_its_own():
    texts, _ = answered([201, 71, 11], cells=10_000)
    assert [one.new_tokens for one in texts.items] == [200, 70, 10]
    assert [one.stop for one in texts.items] == ["length", "end of sequence", "end of sequence"]


def test_answers_that_are_whole_are_told_while_others_go_on():
    _, told = answered([201, 71, 11], cells=10_000)
    assert told == [1, 2, 2, 3]


def test_those_of_earlier_groups_are_among_them():
    _, told = answered([11, 11, 201, 71], cells=2 * 202)
    assert told == [2, 2, 3, 3, 4]
