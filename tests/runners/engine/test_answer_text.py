"""Tokens of an answer as they come, against the text that is decoded at the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runners.engine.answer_text import AnswerText, TokenLimits, looks_special
from runners.engine.thought import HARMONY, Marks, thinking_for

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
    found = [(answer.add(token), answer.ended() == "until") for token in tokens]
    assert found == list(zip(shown, stops, strict=True))
    assert (answer.text(), answer.tokens) == (text, tokens)


THINK = Marks(start="<think>", end="</think>")


class Words:
    """Every word is a token, `<|…|>` a special one; a token is its index among the words."""

    def __init__(self, words: list[str]) -> None:
        self._words = words

    def piece(self, token: int) -> bytes:
        text = self._words[token]
        return b"" if looks_special(text) else text.encode()

    def first_piece(self, token: int) -> bytes:
        return self.piece(token)

    def text_of(self, token: int) -> str:
        return self._words[token]

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self.piece, tokens)).decode()

    def ends(self, token: int) -> bool:
        return False


def generation(
    words: list[str], *, marks: Marks | None = THINK, until: Sequence[str] = (), prompt: str = "",
    limits: TokenLimits | None = None,
) -> tuple[AnswerText, str]:  # fmt: skip
    """The words of a generation up to where it ends, and why it does."""
    answer = AnswerText(Words(words), until, limits=limits, thinking=thinking_for(marks, prompt, 9))
    for token in range(len(words)):
        answer.add(token)
        if why := answer.ended():
            return answer, why
    return answer, ""


def test_stop_strings_stop_nothing_within_a_thought():
    words = ["<think>", "\n\n", "Q:", " 7", "</think>", "\n\n", "It is 18.", "\n\n", "Q:"]
    answer, why = generation(words, until=["\n\n"])
    # Nor does the white space that an answer begins with; the next paragraph does.
    assert (answer.text(), why, len(answer.tokens)) == ("It is 18.", "until", 8)
    assert (answer.thought_tokens, answer.first_answer) == (5, 6)
    assert answer.raw == "".join(words[:8])


def test_a_stop_string_before_any_thought():
    answer, why = generation(["\n\n", "18"], until=["\n\n"])
    assert (answer.text(), why, answer.thought_tokens) == ("", "until", 0)
    # "<" may still become "<think>", and then it was no answer.
    answer, why = generation(["<", "think>", "7</think>", "18", "<"], until=["<"])
    assert (answer.text(), why, answer.thought_tokens) == ("18", "until", 3)


def test_a_mark_that_ends_within_a_token():
    answer, _ = generation(["<think>7", "</thi", "nk> 1", "8\n", "9"], until=["\n"])
    # The token " 1" of "nk> 1" belongs to both; it counts as thought.
    assert (answer.text(), answer.thought_tokens, answer.first_answer) == ("18", 3, 2)


def test_special_tokens_are_in_the_raw_text_alone():
    words = [
        "<|channel|>", "analysis", "<|message|>", "it is 7", "<|end|>", "<|start|>", "assistant",
        "<|channel|>", "final", "<|message|>", "18", "<|x|>", "!", "<|end|>",
    ]  # fmt: skip
    answer, why = generation(words, marks=HARMONY)
    assert (answer.text(), why) == ("18!", "end of sequence")
    assert (answer.thought_tokens, answer.first_answer) == (10, 10)
    assert answer.raw == "".join(words)


@pytest.mark.parametrize(
    ("words", "limits", "why", "tokens", "thought"),
    [
        # Thought and answer have limits of their own.
        (["<think>", "7", "8", "9"], TokenLimits(answer=1, thought=3), "thought", 3, 3),
        (["<think>", "7", "</think>", "1", "8"], TokenLimits(answer=1, thought=3), "length", 4, 3),
        (["1", "8", "9"], TokenLimits(answer=2, thought=3), "length", 2, 0),
    ],
)
def test_limits(words, limits, why, tokens, thought):
    answer, found = generation(words, limits=limits)
    assert (found, len(answer.tokens), answer.thought_tokens) == (why, tokens, thought)
    assert answer.first_answer == ({"thought": None, "length": thought}[why])


def test_a_thought_that_the_prompt_opened_and_that_never_ends():
    answer, why = generation(["it is", " 7"], prompt="<think>\n")
    assert (answer.text(), answer.raw, why) == ("", "it is 7", "")
    assert (answer.thought_tokens, answer.first_answer) == (2, None)


@pytest.mark.parametrize(
    ("text", "special"),
    [("<|end|>", True), ("<\uff5cAssistant\uff5c>", True), ("<think>", False), ("<|", False)],
)
def test_names_of_special_tokens(text, special):
    assert looks_special(text) == special
