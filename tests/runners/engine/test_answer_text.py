"""Tokens of an answer as they come, against the text that is decoded at the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runners.engine.answer_text import AnswerText

PIECES = {0: b"", 1: b" yes", 2: b" ", 3: b"\n", 4: b" no"}


class Spaced:
    """Token 0 is special; a text loses the space that it begins with."""

    def piece(self, token: int) -> bytes:
        return PIECES[token]

    def first_piece(self, token: int) -> bytes:
        return PIECES[token].removeprefix(b" ")

    def text_of(self, token: int) -> str:
        return PIECES[token].decode() or "<end>"

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(PIECES[token] for token in tokens).decode().removeprefix(" ")

    def ends(self, token: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("tokens", "until", "shown", "stops", "text"),
    [
        # What is shown as it comes is the text at the end.
        ([1, 4], [], [b"yes", b" no"], [False, False], "yes no"),
        # A special token shows nothing, and the token after it still comes first.
        ([0, 1], [], [b"", b"yes"], [False, False], "yes"),
        # A space alone is dropped, and the next token is not the first.
        ([2, 1], [], [b"", b" yes"], [False, False], " yes"),
        # A stop string does not see the space that is not shown.
        ([1, 1], [" yes"], [b"yes", b" yes"], [False, True], "yes"),
        ([2, 3], [" "], [b"", b"\n"], [False, False], "\n"),
        # It may name a special token.
        ([1, 0], ["<end>"], [b"yes", b""], [False, True], "yes"),
        ([1, 3], ["\n"], [b"yes", b"\n"], [False, True], "yes"),
    ],
)
def test_an_answer(
    tokens: list[int], until: list[str], shown: list[bytes], stops: list[bool], text: str
) -> None:
    answer = AnswerText(Spaced(), until)
    found = [(answer.add(token), answer.stops()) for token in tokens]
    assert found == list(zip(shown, stops, strict=True))
    assert (answer.text(), answer.tokens) == (text, tokens)
