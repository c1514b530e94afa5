"""Tokens of an answer back into text, as lm-eval's `hf` decodes them: all together at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from runners.engine.stop_strings import StopWatcher


class Vocabulary(Protocol):
    """The vocabulary's part in turning tokens into text."""

    def piece(self, token: int) -> bytes:
        """The bytes of one token within a text, none for a control token."""
        ...

    def first_piece(self, token: int) -> bytes:
        """The bytes of a token with which a text begins: SentencePiece's own space is dropped."""
        ...

    def text_of(self, token: int) -> str:
        """One token as text, special tokens included."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """All tokens of an answer as text, without special tokens."""
        ...

    def ends(self, token: int) -> bool:
        """True for a token that ends a generation."""
        ...


class AnswerText:
    """One answer, token by token: what each of them shows, and where a stop string ends it."""

    def __init__(self, vocabulary: Vocabulary, until: Sequence[str] = ()) -> None:
        self._vocabulary, self._watcher = vocabulary, StopWatcher(until)
        self._piece, self._begun, self._special = b"", False, False
        self.tokens: list[int] = []

    def add(self, token: int) -> bytes:
        """Take one more token; the bytes that it adds to what is shown."""
        self.tokens.append(token)
        self._piece = self._vocabulary.piece(token)
        self._special = not self._piece
        if not self._special and not self._begun:
            self._piece, self._begun = self._vocabulary.first_piece(token), True
        return self._piece

    def stops(self) -> bool:
        """True if the token added last completes a stop string; ask once a token."""
        # It may name a special token, whose text is not shown in the answer.
        hidden = self._vocabulary.text_of(self.tokens[-1]) if self._special else ""
        return self._watcher.add(self._piece, hidden=hidden)

    def text(self) -> str:
        """The answer, cut at its stop strings."""
        return self._watcher.cut(self._vocabulary.decode(self.tokens))
