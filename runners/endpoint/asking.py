"""One question to a server and the pieces of its answer, in no server's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runners.endpoint.faults import EndpointError


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for a completion; what a dialect has no word for, it refuses."""

    prompt: str | tuple[int, ...] | tuple[Turn, ...]
    """A text, token ids, or a conversation."""
    max_tokens: int
    stream: bool = True
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    """Always sent: llama-server's own default is 0.8."""
    top_p: float = 1.0
    top_k: int = 0
    """0: no limit."""
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    logprobs: int = 0
    """Most likely tokens whose log-probability is wanted at each position; 0: none."""
    echo: bool = False
    """The prompt's tokens come back, with their log-probabilities."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of this server's own, e.g. `ignore_eos`, `cache_prompt` or `grammar`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """One token and its log-probability, in nats."""

    token: str
    logprob: float
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A token of an answer (or of an echoed prompt), and the likeliest ones in its place."""

    token: str
    logprob: float | None
    """Nats; None where the server gives none, e.g. for a prompt's first token."""
    id: int | None = None
    top: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Counts and times that the server itself reports; None: it does not."""

    prompt_tokens: int | None = None
    new_tokens: int | None = None
    cached_tokens: int | None = None
    """Tokens of the prompt that it took from a cache."""
    prompt_s: float | None = None
    new_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One event of a streamed answer, or a whole answer."""

    text: str = ""
    reasoning: str = ""
    """Thought that the server tells apart from the answer (`reasoning_content`, `thinking`)."""
    stop: str = ""
    """Why it ended, in the server's word (`stop`, `length`, …); empty: it goes on."""
    usage: Usage | None = None
    logprobs: tuple[Scored, ...] = ()
    model: str = ""
    """Name of the model that answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one API is asked, and how its answers are read: pure functions and data."""

    name: str
    path: str
    """Appended to the server's root, or to its prefix."""
    body: Callable[[str, Ask], dict[str, Any]]
    """Model's name and question -> JSON object of the request."""
    piece: Callable[[Mapping[str, Any]], Piece]
    """JSON object of an event, or of a whole answer -> piece."""
    json_lines: bool = False
    """True: streams one JSON object a line; False: server-sent events."""
    prefixed: bool = False
    """True: its path lies below the API's prefix, usually `/v1`."""
    most_stops: int = 4
    """Stop strings that it takes; OpenAI's limit is four."""


def need_text(ask: Ask, name: str) -> str:
    """The prompt of a dialect that takes texts alone.

    Raises:
        EndpointError: it is something else.
    """
    if isinstance(ask.prompt, str):
        return ask.prompt
    raise EndpointError("request refused", f"{name} takes neither token ids nor a conversation")


def need_turns(ask: Ask) -> list[dict[str, str]]:
    """Messages of a conversation; a text is one message of the user.

    Raises:
        EndpointError: the prompt is token ids.
    """
    if isinstance(ask.prompt, str):
        return [{"role": "user", "content": ask.prompt}]
    turns = [turn for turn in ask.prompt if isinstance(turn, Turn)]
    if len(turns) < len(ask.prompt):
        raise EndpointError("request refused", "a chat takes no token ids")
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def number(value: Any) -> float | None:
    """A JSON number, or None; a flag is none."""
    return float(value) if isinstance(value, int | float) and value is not True else None


def count(value: Any) -> int | None:
    """A JSON integer of at least 0, or None; a flag is none."""
    return value if type(value) is int and value >= 0 else None


def words(value: Any) -> str:
    """A JSON string, or an empty one."""
    return value if isinstance(value, str) else ""


def table(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a JSON array, or none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
