"""One timed request, against a decoder whose next token is always the one after the last."""

import time
from typing import Any

import numpy as np
import pytest

from runners.worker import protocol
from runners.worker.logprobs import Sampler
from runners.worker.one_request import timed_request
from runners.worker.stopping import StopWatcher

VOCABULARY = 32


class Counting:
    """Tokens below `empty` are control tokens; token n is else the letter n."""

    batch_tokens, rows = 4, 1

    def __init__(self, empty: int) -> None:
        self._empty = empty

    def clear(self) -> None: ...

    def decode(self, tokens: np.ndarray, *_: Any) -> np.ndarray:
        return np.eye(VOCABULARY, dtype=np.float32)[[int(tokens[-1]) + 1]]

    def piece(self, token: int) -> bytes:
        return b"" if token < self._empty else bytes([ord("a") + token])

    def text_of(self, token: int) -> str:
        return self.piece(token).decode()

    def ends(self, token: int) -> bool:
        return False


def answer(empty: int, watcher: StopWatcher | None = None) -> tuple[protocol.RequestTimes, str]:
    model: Any = Counting(empty)
    # The prompt is 0 … 5, in batches of four and two: the answer is 6, 7, 8, 9.
    return timed_request(
        model, model, list(range(6)), 4, started_ns=time.perf_counter_ns(), sampler=Sampler(),
        watcher=watcher,
    )  # fmt: skip


@pytest.mark.parametrize(("empty", "first_text"), [(0, 0), (7, 1), (9, 3), (10, None)])
def test_the_first_token_with_text_is_named(empty: int, first_text: int | None) -> None:
    times, stop = answer(empty)
    assert (times.first_text, stop) == (first_text, "length")
    assert len(times.token_s) == 4
    assert times.prefill_s <= times.token_s[0] <= times.token_s[3]


def test_a_stop_string_ends_it() -> None:
    watcher = StopWatcher(["h"])  # token 7
    times, stop = answer(0, watcher)
    assert (len(times.token_s), stop, watcher.text()) == (2, "until", "g")
