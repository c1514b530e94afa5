"""A language model that is a hash, in a decoder that insists on its interface."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

VOCABULARY = 11


def logits_after(tokens: Sequence[int]) -> np.ndarray:
    """Depends on every token so far: one wrong neighbour, or one too few, changes all of them."""
    generator = np.random.default_rng(zlib.crc32(repr(tuple(tokens)).encode()))
    return generator.normal(scale=3, size=VOCABULARY).astype(np.float32)


class Toy:
    """A decoder that holds its sequences as lists and insists on its limits."""

    def __init__(self, *, batch_tokens: int, rows: int) -> None:
        self.batch_tokens, self.rows = batch_tokens, rows
        self.sequences: dict[int, list[int]] = {}
        self.evaluated = self.calls = 0

    def clear(self) -> None:
        self.sequences.clear()

    def copy(self, source: int, target: int) -> None:
        self.sequences[target] = list(self.sequences[source])

    def drop(self, sequence: int) -> None:
        del self.sequences[sequence]

    def decode(self, tokens, positions, sequences, counts, flags):
        assert 0 < len(tokens) <= self.batch_tokens
        assert flags.sum() <= self.rows
        rows = []
        for token, position, first, count, flag in zip(
            tokens, positions, sequences, counts, flags, strict=True
        ):
            texts = [self.sequences.setdefault(int(s), []) for s in range(first, first + count)]
            for text in texts:
                assert position == len(text)
                text.append(int(token))
            assert all(text == texts[0] for text in texts)
            if flag:
                rows.append(logits_after(texts[0]))
        self.evaluated += len(tokens)
        self.calls += 1
        return np.array(rows, dtype=np.float32).reshape(-1, VOCABULARY)
