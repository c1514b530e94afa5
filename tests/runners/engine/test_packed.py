"""Several generations at a time, against each alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.engine.answer_text import TokenLimits
from runners.engine.one_request import Prompt
from runners.engine.packed import generated
from runners.engine.plan import Limits
from runners.worker import protocol
from tests.support.toy_decoder import Toy, logits_after


class Letters:
    """Token 0 ends a text; token n is else the n-th letter."""

    def piece(self, token: int) -> bytes:
        return chr(ord("a") + token).encode()

    first_piece = piece

    def text_of(self, token: int) -> str:
        return self.piece(token).decode()

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self.piece, tokens)).decode()

    def ends(self, token: int) -> bool:
        return token == 0


class Watched(Toy):
    """Counts the cells that are taken at most: where they are shared, what sequence 0 has once."""

    def __init__(self, *, shared: bool, rows: int, batch_tokens: int = 2048) -> None:
        super().__init__(batch_tokens=batch_tokens, rows=rows)
        self._shared, self.most_cells, self.most_sequences = shared, 0, 0

    def decode(self, *batch: Any) -> np.ndarray:
        rows = super().decode(*batch)
        held = {n: len(tokens) for n, tokens in self.sequences.items()}
        first = held.pop(0, 0)
        cells = (
            first + sum(n - first for n in held.values()) if self._shared else sum(held.values())
        )
        self.most_cells = max(self.most_cells, cells)
        self.most_sequences = max(self.most_sequences, len(held))
        return rows


class CountingDown(Toy):
    """What follows a token is the one below it."""

    def __init__(self) -> None:
        super().__init__(batch_tokens=64, rows=64)

    def decode(self, *batch: Any) -> np.ndarray:
        super().decode(*batch)
        tokens, *_, flags = batch
        return np.eye(256, dtype=np.float32)[tokens[flags == 1] - 1]


def asked(tokens: Sequence[int], most: int, until: Sequence[str] = ()) -> tuple[Any, Prompt]:
    item = protocol.GenerateItem(
        prompt="", until=list(until), max_tokens=most, temperature=0, top_k=0, top_p=1, seed=0
    )
    return item, Prompt(tokens=list(tokens), truncated=False, limits=TokenLimits(answer=most))


def alone(tokens: Sequence[int], most: int, until: str) -> tuple[str, str, int]:
    """The text, why it ends, and its tokens, one token after the other."""
    new: list[int] = []
    stop = "length"
    while len(new) < most:
        token = int(logits_after([*tokens, *new]).argmax())
        if token == 0:
            stop = "end of sequence"
            break
        new.append(token)
        if Letters().piece(token).decode() == until:
            stop = "until"
            break
    return Letters().decode(new).partition(until)[0], stop, len(new)


@given(
    prompts=st.lists(
        st.tuples(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.integers(1, 12)),
        max_size=9,
    ),
    beginning=st.lists(st.integers(1, 3), max_size=4),
    sequences=st.integers(2, 9),
    more=st.integers(0, 40),
    shared=st.booleans(),
    batch_tokens=st.integers(3, 30),
)
def test_packed_equals_alone(prompts, beginning, sequences, more, shared, batch_tokens):
    prompts = [([*beginning, *tokens], most) for tokens, most in prompts]
    cells = more + max((len(tokens) + most for tokens, most in prompts), default=0)
    decoder = Watched(shared=shared, rows=sequences, batch_tokens=batch_tokens)
    limits = Limits(wave_tokens=512, sequences=sequences, cells=cells, shared=shared)
    items = [asked(tokens, most, ["c"]) for tokens, most in prompts]
    told: list[int] = []

    found = generated(decoder, Letters(), items, limits=limits, progress=told.append).items

    assert [(one.text, one.stop, one.new_tokens) for one in found] == [
        alone(tokens, most, "c") for tokens, most in prompts
    ]
    assert decoder.most_cells <= cells
    assert decoder.most_sequences < sequences
    assert told == sorted(told)
    assert told[-1:] == [len(prompts)] * bool(prompts)


def counted_down(lasts: Sequence[int], *, cells: int, sequences: int = 9) -> tuple[Toy, list[int]]:
    """The decoder that answered prompts that count down from `lasts`, and what was told."""
    told: list[int] = []
    decoder = CountingDown()
    items = [asked([number, last], 200) for number, last in enumerate(lasts)]
    limits = Limits(wave_tokens=512, sequences=sequences, cells=cells, shared=True)
    generated(decoder, Letters(), items, limits=limits, progress=told.append)
    return decoder, told


def test_answers_that_are_whole_are_told_while_others_go_on():
    _, told = counted_down([200, 71, 11], cells=10_000)
    assert told == [1, 1, 2, 2, 2, 3]  # after 11, 64, 71, 128, 192 and 200 tokens


@pytest.mark.parametrize("limit", [{"cells": 2 * 202}, {"cells": 10_000, "sequences": 3}])
def test_where_one_ends_the_next_begins(limit: dict[str, int]):
    decoder, _ = counted_down([200, 40, 60, 80, 20], **limit)
    assert decoder.calls == 200  # 40 + 60 + 80 + 20 are generated beside the 200


def test_what_prompts_share_takes_its_cells_once():
    same = [1] * 100
    items = [asked([*same, last], 100) for last in (90, 91, 92, 93)]
    decoder = CountingDown()
    limits = Limits(wave_tokens=512, sequences=9, cells=100 + 4 * 101, shared=True)
    generated(decoder, Letters(), items, limits=limits, progress=lambda _: None)
    # The longest answer's steps: all four are under way from the start.
    assert decoder.evaluated == 100 + 4 + 89 + 90 + 91 + 92
    assert decoder.calls == 2 + 93
