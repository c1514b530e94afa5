"""A server that was found to answer: what it is, what it says of itself, and asking it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from runners.endpoint import llama_api, ollama_api, openai_api
from runners.endpoint.answer import Answer, read_answer
from runners.endpoint.asking import Ask, Dialect, Piece, Turn
from runners.endpoint.client import Client

Kind = Literal["llama-server", "vllm", "ollama", "openai"]
"""openai: any other that speaks OpenAI's API."""
LIMIT_KEY, NEWER_LIMIT_KEY = "max_tokens", "max_completion_tokens"
_FILLS: frozenset[Kind] = frozenset({"llama-server", "vllm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One model behind one server."""

    client: Client
    """Its address is the server's root."""
    kind: Kind
    model: str
    """Name that requests carry."""
    prefix: str = "/v1"
    """Path of OpenAI's API below the root."""
    version: str = ""
    """Version or build, as the server says it; empty: it does not."""
    models: tuple[str, ...] = ()
    """Names of all models that it serves; empty: it does not say."""
    context: int | None = None
    """Tokens of context; None: it does not say."""
    slots: int | None = None
    """Requests that it works on at once; None: it does not say."""
    about: Mapping[str, Any] | None = None
    """What it says of the model's weights: file, digest, size, parameters."""
    bos: str = ""
    """Text of the token that a prompt begins with; empty: none, or it does not say."""
    template: str = ""
    """The model's chat template; empty: none, or it does not say."""
    eos: str = ""
    completes: bool = True
    """False: it answers conversations alone, and a text is asked for as a user's message."""
    chats: bool = True
    """False: it answers no conversation."""
    reasons: bool = False
    """True: its conversations come with a thought that it tells apart from the answer."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys that each request carries; one that is None is left out of all."""
    limit_key: str = LIMIT_KEY
    """OpenAI's key for the most tokens; its newer models take `max_completion_tokens` alone."""

    @property
    def text_dialect(self) -> Dialect:
        """How a text, or token ids, are continued."""
        if not self.completes:
            return self.chat_dialect
        if self.kind == "llama-server":
            return llama_api.COMPLETION
        return ollama_api.GENERATE if self.kind == "ollama" else openai_api.COMPLETIONS

    @property
    def chat_dialect(self) -> Dialect:
        """How a conversation is continued."""
        return ollama_api.CHAT if self.kind == "ollama" else openai_api.CHAT

    @property
    def uncached(self) -> dict[str, Any]:
        """Keys of a request that must take nothing from a cache, where the server has such."""
        if self.kind == "llama-server":
            return {"cache_prompt": False}
        # vLLM takes blocks of a prompt from requests of the same salt alone.
        return {"cache_salt": secrets.token_hex(8)} if self.kind == "vllm" else {}

    def going_on(self, prompt: str | tuple[Turn, ...]) -> dict[str, Any]:
        """Keys by which vLLM goes on in an answer that the conversation's last message begins.

        llama-server and Ollama do so by themselves; others may begin the answer anew.
        """
        begun = isinstance(prompt, tuple) and prompt and prompt[-1].role == "assistant"
        if not begun or self.kind != "vllm":
            return {}
        return {"add_generation_prompt": False, "continue_final_message": True}

    @property
    def fills(self) -> bool:
        """True: it writes as many tokens as it is asked for, past the end that the model wants."""
        return self.kind in _FILLS

    def path(self, dialect: Dialect) -> str:
        """Path of a dialect below the root."""
        return (self.prefix if dialect.prefixed else "") + dialect.path

    def stream(self, dialect: Dialect, ask: Ask) -> Answer:
        """Ask, and read the whole stream; a broken one is asked for again (see `Retries`).

        Raises:
            EndpointError: no try was answered whole.
        """
        answer = self.client.stream(
            self.path(dialect),
            self._body(dialect, ask),
            lambda streamed: read_answer(dialect, streamed),
            json_lines=dialect.json_lines,
        )
        hidden = self.client.hidden  # a key may have come in pieces
        return replace(answer, text=hidden(answer.text), reasoning=hidden(answer.reasoning))

    def whole(self, dialect: Dialect, ask: Ask) -> Piece:
        """Ask without streaming; nothing is timed.

        Raises:
            EndpointError: no try was answered.
        """
        return dialect.piece(self.client.post(self.path(dialect), self._body(dialect, ask)))

    def _body(self, dialect: Dialect, ask: Ask) -> dict[str, Any]:
        told = replace(ask, extra={**ask.extra, **self.extra})
        body = dialect.body(self.model, told)
        if dialect.prefixed and self.limit_key != LIMIT_KEY and LIMIT_KEY in body:
            body[self.limit_key] = body.pop(LIMIT_KEY)
        return {key: value for key, value in body.items() if value is not None}
