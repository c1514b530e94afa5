"""A toy language model whose tokens are bytes: the next depends on the one before it alone.

It is deterministic, so that log-probabilities from different requests can be held against each
other, and needs no weights.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache

BOS = 256
VOCABULARY = 257
_LIKELY = frozenset(b" abcdefghijklmnopqrstuvwxyz")
_MORE = 6.0
"""Logits that letters and the space have more, so that what it writes can be read."""


class Language:
    """Distribution over the next byte, drawn from a seed."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.logprobs = cache(self._logprobs)
        """Token before -> log-probability of each token, nats, shape (257,)."""

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Bytes of a text, after a BOS where that is asked for."""
        return [*([BOS] if special else []), *text.encode("utf-8", "replace")]

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of bytes; half a character is replaced."""
        return bytes(token for token in tokens if token < BOS).decode("utf-8", "replace")

    def best(self, before: int) -> int:
        """The likeliest byte."""
        row = self.logprobs(before)
        return max(range(BOS), key=row.__getitem__)

    def write(self, prompt: Sequence[int], n: int) -> list[int]:
        """Greedy continuation of `n` bytes."""
        written: list[int] = []
        before = prompt[-1] if prompt else BOS
        for _ in range(n):
            before = self.best(before)
            written.append(before)
        return written

    def _logprobs(self, before: int) -> list[float]:
        drawn = random.Random(f"{self._seed}/{before}")  # noqa: S311  # no secret
        logits = [drawn.gauss(0, 2) + _MORE * (byte in _LIKELY) for byte in range(VOCABULARY)]
        largest = max(logits)
        total = largest + math.log(sum(math.exp(logit - largest) for logit in logits))
        return [logit - total for logit in logits]


def top(row: Sequence[float], n: int) -> list[int]:
    """The `n` likeliest bytes, likeliest first."""
    return sorted(range(len(row)), key=row.__getitem__, reverse=True)[:n]
