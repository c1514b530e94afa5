"""Tokens of a generation back into text, and where its thought and its answer end.

An answer is decoded as lm-eval's `hf` does it: all tokens together, at the end.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runners.engine.stop_strings import StopWatcher
from runners.engine.thought import ThoughtWatcher

if TYPE_CHECKING:
    from runners.worker.protocol import Thinking

_BRACKETS = (("<|", "|>"), ("<\uff5c", "\uff5c>"))
"""Around names that only special tokens have; the second pair is DeepSeek's, full-width."""


class Vocabulary(Protocol):
    """The vocabulary's part in turning tokens into text."""

    def piece(self, token: int) -> bytes:
        """The bytes of one token within a text, none for a special token."""
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


def looks_special(text: str) -> bool:
    """True for the text of a token that no answer shows, however its vocabulary files it.

    Llama.cpp's converter has the same rule: it makes such added tokens control tokens.
    """
    return any(text.startswith(left) and text.endswith(right) for left, right in _BRACKETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLimits:
    """Most tokens of a generation's two parts."""

    answer: int
    thought: int = 0

    @property
    def both(self) -> int:
        """Tokens of the whole generation at most."""
        return self.answer + self.thought


class AnswerText:
    """One generation, token by token: what each of them shows, where thought and answer end."""

    def __init__(
        self, vocabulary: Vocabulary, until: Sequence[str] = (), *,
        limits: TokenLimits | None = None, thinking: Thinking | None = None,
    ) -> None:  # fmt: skip
        """Begin a generation.

        Args:
            vocabulary: turns its tokens into text.
            until: stop strings of the answer.
            limits: most tokens; None: whoever asks counts them.
            thinking: how its thought is told; None: all of it is the answer.
        """
        self._vocabulary, self._until, self._limits = vocabulary, until, limits
        self._watcher, self._thought = StopWatcher(until), ThoughtWatcher(thinking)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._piece, self._begun, self._special = b"", False, False
        self._ends: list[int] = []
        """Characters of the raw text up to the end of each token."""
        self._searched_from, self._bare = 0, False
        """Where the answer begins that is searched for stop strings; True before its first word."""
        self.tokens: list[int] = []

    def add(self, token: int) -> bytes:
        """Take one more token; the bytes that it adds to what is shown."""
        self.tokens.append(token)
        self._piece = self._vocabulary.piece(token)
        self._special = not self._piece
        if not self._special and not self._begun:
            self._piece, self._begun = self._vocabulary.first_piece(token), True
        raw = self._vocabulary.text_of(token).encode() if self._special else self._piece
        self._thought.add(self._utf8.decode(raw))
        self._ends.append(len(self._thought.raw))
        return self._piece

    def ended(self) -> str:
        """Why the token added last ends the generation; empty where it goes on. Ask once a token.

        Returns:
            `until`, `end of sequence`, `length` (of the answer) or `thought` (its length).
        """
        if self._stops():
            return "until"
        if self._thought.closed:
            return "end of sequence"
        if self._limits is None:
            return ""
        if self._thought.thinking:
            return "thought" if len(self.tokens) >= self._limits.thought else ""
        return "length" if len(self.tokens) - self.thought_tokens >= self._limits.answer else ""

    @property
    def raw(self) -> str:
        """All of it, special tokens as their texts."""
        return self._thought.raw

    @property
    def thought_tokens(self) -> int:
        """Tokens up to the end of the thought, its mark included; all while it goes on."""
        if self._thought.thinking:
            return len(self.tokens)
        at = self._thought.answer_at
        return bisect_left(self._ends, at) + 1 if at else 0

    @property
    def first_answer(self) -> int | None:
        """Index of the first token of the answer that has text; after a thought, not of space."""
        if self._thought.thinking:
            return None
        at = self._thought.answer_at
        bare = len(self.raw) - len(self.raw[at:].lstrip()) if at else 0
        shown = (n for n, end in enumerate(self._ends) if end > bare)
        return next((n for n in shown if self._vocabulary.piece(self.tokens[n])), None)

    def text(self) -> str:
        """The answer, without special tokens, cut at its stop strings."""
        if self._thought.thinking:
            return ""
        if not self._thought.answer_at:
            return self._watcher.cut(self._vocabulary.decode(self.tokens))
        return self._watcher.cut(self._after_thought())

    def _after_thought(self) -> str:
        """What follows the end of the thought, without the white space that it begins with."""
        first = self.thought_tokens
        # The mark may end within a token.
        rest = self.raw[self._thought.answer_at : self._ends[first - 1]].encode()
        pieces = [self._vocabulary.piece(token) for token in self.tokens[first:]]
        return b"".join([rest, *pieces]).decode("utf-8", "replace").lstrip()

    def _stops(self) -> bool:
        """True if the token added last completes a stop string of the answer."""
        piece, at = self._piece, self._thought.answer_at
        if at != self._searched_from:
            self._watcher, self._searched_from, self._bare = StopWatcher(self._until), at, True
            piece = self.raw[at:].encode()
        if self._bare:
            piece = piece.lstrip()
            self._bare = not piece
        # It may name a special token, whose text is not shown in the answer.
        hidden = self._vocabulary.text_of(self.tokens[-1]) if self._special else ""
        stops = self._watcher.add(piece, hidden=hidden)
        return stops and not (self._thought.thinking or self._thought.undecided)
