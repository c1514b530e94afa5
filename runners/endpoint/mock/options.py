"""Behaviour of the mock server: as slow, wrong, flaky and buffered as it is told to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Spoken = Literal["openai", "vllm", "llama-server", "ollama", "gradio"]
SPOKEN: tuple[Spoken, ...] = get_args(Spoken)
Echo = Literal["right", "shifted", "ignored"]
FAULTS = (
    "ok", "reset", "hang", "cut", "stall", "invalid", "endless", "empty", "error", "redirect",
)  # fmt: skip
"""Named faults; a number from 400 to 599 is one as well, `429/7` with a Retry-After of 7 s."""
_STATUS = re.compile(r"[45]\d\d(/\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MockOptions:
    """Behaviour of the mock; times are seconds."""

    speaks: tuple[Spoken, ...] = SPOKEN
    """APIs whose paths are there; any other answers 404."""
    model: str = "mock"
    text: str = "The answer is 42."
    """Text of its answers; empty: its toy model writes, as it also does where log-probabilities are
    asked for."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Question -> answer, told whole however few tokens are allowed. The longest question in a
    prompt counts; to a prompt without any it answers `text`."""
    reasoning: str = ""
    """Thought that comes before each answer, in the field that the API has for it."""
    wrong_rate: float = 0.0
    """Share of answers, drawn from a hash of the prompt, whose text is reversed."""
    seed: int = 0
    context: int = 4096
    """Tokens of context that llama-server's path says it has."""
    first_token_s: float = 0.0
    """From the request to the first token, where nothing of the prompt is cached."""
    per_token_s: float = 0.0
    slots: int = 0
    """Completions that it works on at once, the others wait in line; 0: all of them."""
    queue_s: float = 0.0
    """Time that a question to a Gradio app waits behind another's."""
    coalesce: int = 1
    """Tokens of one event."""
    buffered: bool = False
    """True: a stream is sent in one piece, once its last event is due."""
    empty_events: int = 0
    """Events without a text before the first token."""
    usage: bool = True
    """False: it counts no tokens, and reports no times."""
    cache: bool = False
    """True: what a prompt shares with the one before it takes no time."""
    echo: Echo = "right"
    """shifted: the log-probability of each echoed token is that of the position after it, as in
    llama-cpp-python; ignored: the prompt is not echoed."""
    logprobs: bool = True
    """False: it gives none, whatever is asked for."""
    grammar: bool = True
    """False: llama-server's path refuses every grammar."""
    after_sampling: bool = False
    """True: each token that it writes has a log-probability of 0, its share after sampling."""
    speechless: bool = False
    """True: its answers have no text."""
    tokenizes: bool = True
    """False: there is no path that turns text into token ids."""
    faults: tuple[str, ...] = ()
    """What befalls the first request for a completion, the second, …, and then the first again."""
    chats_alone: bool = False
    """True: `/v1/completions` refuses every prompt."""
    newer: bool = False
    """True: conversations take `max_completion_tokens`, and refuse `max_tokens`."""
    most_prompt: int = 0
    """Tokens of a prompt, above which a request is refused; 0: no limit."""
    key: str = ""
    """Bearer token that each request must carry."""

    def __post_init__(self) -> None:
        """Refuse what would not be understood later.

        Raises:
            ValueError: a fault or an API is none.
        """
        for fault in self.faults:
            if fault not in FAULTS and not _STATUS.fullmatch(fault):
                raise ValueError(f'"{fault}" is no fault (known: {", ".join(FAULTS)}, 429, 429/7)')
        for name in self.speaks:
            if name not in SPOKEN:
                raise ValueError(f'"{name}" is no API of the mock (known: {", ".join(SPOKEN)})')
        if self.coalesce < 1:
            raise ValueError(f"{self.coalesce} tokens make no event")
