"""Messages about generations: what is asked, how its thought is told, and what came of it.

They are part of the protocol (`protocol.py`), whose names they are used by.
"""

from __future__ import annotations

from dataclasses import dataclass

from runners.worker.serving import Tries


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimes:
    """One timed request; every time is in seconds after the request was made."""

    prefill_s: float | None
    """Moment when the last prompt token had been evaluated (the first logits were there); None: a
    server does not say."""
    token_s: list[float]
    """Moments when each output token had been chosen and turned into text; of a server's answer
    those when pieces of text arrived."""
    first_text: int | None = 0
    """Index in `token_s` of the first token whose text is not empty; None: all texts are empty."""
    streamed: bool = False
    """True: `token_s` are moments of pieces of text, which need not be tokens."""
    counted: int | None = None
    """Output tokens of a streamed answer as the server counts them; None: it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How a model's thought is told from its answer, and how long it may be
    (runners/engine/thought.py).
    """

    start: str
    """Text that a thought begins with; empty: every generation begins with a thought."""
    end: str
    """Text that ends it. Both may be texts of special tokens, of ordinary ones, or parts of them.
    """
    opened: bool
    """True where the prompt itself ends in a begun thought."""
    max_tokens: int
    """Tokens of thought at most, beside those of the answer."""
    close: str = ""
    """Text that ends an answer after a thought, although no token ends the generation there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateItem:
    """One prompt and lm-eval's generation arguments, normalised by the parent."""

    prompt: str
    until: list[str]
    """Stop strings of the answer; within a thought they stop nothing."""
    max_tokens: int
    """Tokens of the answer at most."""
    temperature: float
    top_k: int
    top_p: float
    seed: int
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    thinking: Thinking | None = None
    """How its thought is told; None where nothing of the generation is thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Generate answers to one window of prompts, one after the other, each from an empty cache.
    When `packed`, several at a time, and nothing is timed.
    """

    items: list[GenerateItem]
    packed: bool = False
    turn_end: str = ""
    """What the chat template writes after an answer; where it begins with a special token, that
    token ends a generation like EOS. Empty for prompts without a template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenContext:
    """Answer the generations that follow in a context of a length of its own.

    It holds the longest of `items` with its answer and its thought, and at least `tokens`, but is
    never longer than the candidate's own.
    """

    tokens: int
    items: list[GenerateItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextOpened:
    """The answer to `OpenContext`: what was used before is freed, and nothing is answered yet."""

    tokens: int


APP_ERROR = "app error"
"""Beginning of `stop` where an app answered with an error, whose text follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemText:
    """One generation."""

    text: str
    """The answer, which is scored: without thought, special tokens and what a stop string cuts."""
    stop: str
    """`until`, `end of sequence`, `length` (of the answer), `thought` (its length), `context`,
    or what an app said instead of an answer."""
    prompt_tokens: int | None
    """Tokens of the prompt; None where a server does not count them."""
    new_tokens: int | None
    """All of them, those of the thought included; None where a server does not count them."""
    times: RequestTimes | None
    """Times of the request; None for a packed one."""
    truncated: bool
    raw: str = ""
    """The whole generation with its thought and the texts of special tokens; empty: as `text`."""
    thought_tokens: int = 0
    """Tokens up to the end of the thought, its mark included."""
    first_answer: int | None = None
    """Index in `token_s` of the first token of the answer that has text; None: there is none, or
    the runtime does not say."""
    queued_s: float | None = None
    """Seconds from the request until work on it began; None: nothing says."""
    ahead: int = 0
    """Requests of others that stood before it in a queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The answer to `Generate`."""

    items: list[ItemText]
    tries: Tries | None = None
    """What befell the requests to a server; None: there is none."""
