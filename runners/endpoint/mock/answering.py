"""Requests and responses of the mock server, and the completions that its APIs share."""

from __future__ import annotations

import codecs
import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runners.endpoint.mock.language import Language
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.slots import Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, its body read."""

    method: str
    path: str
    """Without its query."""
    query: str = ""
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A response that is sent at once, once it is due."""

    body: Any
    """A text, or what is sent as JSON."""
    status: int = 200
    due_s: float = 0.0
    """Seconds after the request was read."""

    @property
    def raw(self) -> bytes:
        """The body as bytes."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response in pieces, each with the moment when it is due."""

    frames: list[tuple[float, bytes]]
    """Seconds after the request was read, and what is sent then."""
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token of an answer, when it is due, and what it adds to the text."""

    id: int
    before: int
    """Token that it follows."""
    due_s: float
    text: str
    """Empty where a character of several bytes is not whole yet."""
    thought: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the mock answers to one prompt."""

    prompt: list[int]
    tokens: list[Token]
    stop: str
    """`stop` or `length`."""
    cached: int
    """Tokens of the prompt that were cached."""
    first_due_s: float

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(token.text for token in self.tokens if not token.thought)

    @property
    def thought(self) -> str:
        """The whole thought."""
        return "".join(token.text for token in self.tokens if token.thought)

    @property
    def due_s(self) -> float:
        """Moment of the last token."""
        return self.tokens[-1].due_s if self.tokens else self.first_due_s


class Mock:
    """State of one mock server: its options, its toy model, the last prompt."""

    def __init__(self, options: MockOptions) -> None:
        self.options, self.language = options, Language(options.seed)
        self.stopping = threading.Event()
        self.slots = Slots(options.slots)
        self.sessions: dict[str, Any] = {}
        """Values that an API keeps from one request to the next."""
        self._lock = threading.Lock()
        self._last: list[int] = []
        self._asked = 0

    def next_fault(self) -> str:
        """The fault of the next request for a completion."""
        with self._lock:
            faults = self.options.faults or ("ok",)
            fault = faults[self._asked % len(faults)]
            self._asked += 1
        return fault

    def complete(
        self,
        prompt: Sequence[int],
        most: int,
        *,
        stops: Sequence[str] = (),
        by_model: bool = False,
        fills: bool = False,
        may_cache: bool = True,
    ) -> Completion:
        """Answer one prompt.

        Args:
            prompt: tokens.
            most: tokens at most.
            stops: texts that end it, left out.
            by_model: the toy model writes, whatever the options say.
            fills: exactly `most` tokens are written (`ignore_eos`).
            may_cache: False: nothing is taken from the prompt before.
        """
        prompt = list(prompt)
        cached = self._cached(prompt) if may_cache and self.options.cache else 0
        thought: list[int] = []
        if self.options.speechless:
            answer, ended = [], True
        elif by_model or not (self.options.text or self.options.reasoning or self.options.answers):
            answer, ended = self.language.write(prompt, most), False
        else:
            thought, answer, ended = self._told(prompt, most, fills=fills)
        cut = _until(answer, stops)
        evaluated = (len(prompt) - cached) / max(1, len(prompt))
        first_s = self.options.first_token_s * evaluated
        ids = [*thought, *(answer if cut is None else answer[:cut])]
        return Completion(
            prompt=prompt,
            tokens=self._timed(prompt, ids, len(thought), first_s),
            stop="stop" if ended or cut is not None else "length",
            cached=cached,
            first_due_s=first_s,
        )

    def _told(
        self, prompt: Sequence[int], most: int, *, fills: bool
    ) -> tuple[list[int], list[int], bool]:
        """Thought and answer of the options, and True where they are not cut."""
        known = None if fills else self._known(prompt)
        text = self.options.text if known is None else known
        if self._draw(prompt) < self.options.wrong_rate:
            text = text[::-1]
        if known is not None:
            most = max(most, len(self.options.reasoning.encode()) + len(text.encode()))
        thought = self.language.encode(self.options.reasoning)
        answer = self.language.encode(text)
        while fills and answer and len(thought) + len(answer) < most:
            answer += self.language.encode(" " + text)
        whole = len(thought) + len(answer) <= most and not fills
        return thought[:most], answer[: max(0, most - len(thought))], whole

    def _known(self, prompt: Sequence[int]) -> str | None:
        """The answer to the question that the prompt holds."""
        text = self.language.decode(prompt)
        found = [question for question in self.options.answers if question in text]
        return self.options.answers[max(found, key=len)] if found else None

    def _timed(
        self, prompt: Sequence[int], ids: Sequence[int], thoughts: int, first_s: float
    ) -> list[Token]:
        befores = [prompt[-1] if prompt else 256, *ids][: len(ids)]
        whole = codecs.getincrementaldecoder("utf-8")("replace")
        return [
            Token(
                id=token,
                before=before,
                due_s=first_s + at * self.options.per_token_s,
                text=whole.decode(bytes([token])),
                thought=at < thoughts,
            )
            for at, (token, before) in enumerate(zip(ids, befores, strict=True))
        ]

    def _cached(self, prompt: list[int]) -> int:
        """Tokens shared with the prompt before; the last is evaluated in any case."""
        with self._lock:
            last, self._last = self._last, prompt
        same = 0
        while same < min(len(last), len(prompt) - 1) and last[same] == prompt[same]:
            same += 1
        return same

    def _draw(self, prompt: Sequence[int]) -> float:
        text = f"{self.options.seed}/{list(prompt)}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:7], "big") / 2**56


def grouped(tokens: Sequence[Token], n: int) -> Iterable[list[Token]]:
    """Tokens by the event that they are sent in: `n` each, thought and answer apart."""
    group: list[Token] = []
    for token in tokens:
        if group and (len(group) == n or group[-1].thought != token.thought):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def sse(event: Any, name: str = "") -> bytes:
    """One server-sent event."""
    text = event if isinstance(event, str) else json.dumps(event)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def _until(answer: Sequence[int], stops: Sequence[str]) -> int | None:
    """Tokens in front of the first stop text; None: there is none."""
    raw = bytes(token for token in answer if token < 256)
    found = [place for stop in stops if stop and (place := raw.find(stop.encode())) >= 0]
    return min(found, default=None)
