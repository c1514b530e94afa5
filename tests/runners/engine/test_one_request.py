"""One timed request, against a decoder whose next token is always the one after the last."""

import time
from typing import Any

import numpy as np
import pytest

from runners.engine.answer_text import AnswerText
from runners.engine.logprobs import Sampler
from runners.engine.one_request import generated, read_prompt, timed_request
from runners.worker import protocol

VOCABULARY = 32


class Counting:
    """A model that counts on."""

    batch_tokens, rows = 4, 1

    def clear(self) -> None: ...

    def decode(self, tokens: np.ndarray, *_: Any) -> np.ndarray:
        return np.eye(VOCABULARY, dtype=np.float32)[[int(tokens[-1]) + 1]]


class Letters:
    """Tokens below `empty` are control tokens; token n is else the letter n."""

    def __init__(self, empty: int) -> None:
        self._empty = empty

    def piece(self, token: int) -> bytes:
        return b"" if token < self._empty else bytes([ord("a") + token])

    def first_piece(self, token: int) -> bytes:
        return self.piece(token)

    def text_of(self, token: int) -> str:
        return self.piece(token).decode()

    def decode(self, tokens: list[int]) -> str:
        return b"".join(map(self.piece, tokens)).decode()

    def ends(self, token: int) -> bool:
        return False


def times_of(
    letters: Letters, answer: AnswerText | None = None
) -> tuple[protocol.RequestTimes, str]:
    model: Any = Counting()
    # The prompt is 0 … 5, in batches of four and two: the answer is 6, 7, 8, 9.
    return timed_request(
        model, letters, list(range(6)), 4, started_ns=time.perf_counter_ns(), sampler=Sampler(),
        answer=answer,
    )  # fmt: skip


@pytest.mark.parametrize(("empty", "first_text"), [(0, 0), (7, 1), (9, 3), (10, None)])
def test_the_first_token_with_text_is_named(empty: int, first_text: int | None) -> None:
    times, stop = times_of(Letters(empty))
    assert (times.first_text, stop) == (first_text, "length")
    assert len(times.token_s) == 4
    assert times.prefill_s <= times.token_s[0] <= times.token_s[3]


def test_a_stop_string_ends_it() -> None:
    letters = Letters(0)
    answer = AnswerText(letters, ["h"])  # token 7
    times, stop = times_of(letters, answer)
    assert (len(times.token_s), stop, answer.text()) == (2, "until", "g")


def test_thought_takes_what_prompt_and_answer_leave_of_the_context() -> None:
    thinking = protocol.Thinking(start="<think>", end="</think>", opened=False, max_tokens=50)
    item = protocol.GenerateItem(
        prompt="", until=[], max_tokens=10, temperature=0, top_k=0, top_p=1, seed=0,
        thinking=thinking,
    )  # fmt: skip

    def limits(prompt: int, length: int) -> tuple[int, int, int]:
        found = read_prompt(lambda *_: [1] * prompt, item, length=length, prefix_token=0)
        return len(found.tokens), found.limits.thought, found.limits.both

    # 20 of prompt and 10 of answer leave 70 of 100: the thought's own limit is lower.
    assert limits(20, 100) == (20, 50, 60)
    # … 15 of 45; and where nothing is left the prompt is cut for the answer, not for the thought.
    assert limits(20, 45) == (20, 15, 25)
    assert limits(90, 45) == (35, 0, 10)


def test_a_long_answer_says_that_it_goes_on() -> None:
    class Same(Counting):
        def decode(self, tokens: np.ndarray, *_: Any) -> np.ndarray:
            return np.eye(VOCABULARY, dtype=np.float32)[[7]]

    item = protocol.GenerateItem(
        prompt="", until=[], max_tokens=200, temperature=0, top_k=0, top_p=1, seed=0
    )
    said: list[int] = []
    model: Any = Same()
    (found,) = generated(
        model, Letters(0), [item],
        lambda one: read_prompt(lambda *_: [1], one, length=300, prefix_token=0), said.append,
    ).items  # fmt: skip
    # After 64, 128 and 192 of 200 tokens none is done, and then one is.
    assert (found.new_tokens, said) == (200, [0, 0, 0, 1])
