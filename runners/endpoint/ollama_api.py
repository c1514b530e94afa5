"""Ollama's own `/api/generate` and `/api/chat`, which stream one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runners.endpoint import logprob_shapes
from runners.endpoint.asking import (
    Ask,
    Dialect,
    Piece,
    Usage,
    count,
    need_text,
    need_turns,
    number,
    table,
    words,
)


def generate_body(model: str, ask: Ask) -> dict[str, Any]:
    """Request of `/api/generate`: `raw`, so that no template of Ollama's is put around it."""
    return {
        **_common(model, ask),
        "prompt": need_text(ask, "/api/generate"),
        "raw": True,
    }


def chat_body(model: str, ask: Ask) -> dict[str, Any]:
    """Request of `/api/chat`."""
    return {**_common(model, ask), "messages": need_turns(ask)}


def _common(model: str, ask: Ask) -> dict[str, Any]:
    options: dict[str, Any] = {"num_predict": ask.max_tokens, "temperature": ask.temperature}
    told = {
        "stop": list(ask.stop),
        "seed": ask.seed,
        "top_p": ask.top_p,
        "top_k": ask.top_k,
        "min_p": ask.min_p,
        "repeat_penalty": ask.repetition_penalty,
    }
    options.update({key: value for key, value in told.items() if value not in (None, [])})
    body: dict[str, Any] = {"model": model, "stream": ask.stream, "options": options}
    if ask.logprobs:
        body |= {"logprobs": True, "top_logprobs": ask.logprobs}
    return {**body, **ask.extra}


def generate_piece(event: Mapping[str, Any]) -> Piece:
    """One line, or the whole answer, of `/api/generate`."""
    return _piece(event, words(event.get("response")), words(event.get("thinking")))


def chat_piece(event: Mapping[str, Any]) -> Piece:
    """One line, or the whole answer, of `/api/chat`."""
    said = table(event.get("message"))
    return _piece(event, words(said.get("content")), words(said.get("thinking")))


def _piece(event: Mapping[str, Any], text: str, reasoning: str) -> Piece:
    ended = event.get("done") is True
    return Piece(
        text=text,
        reasoning=reasoning,
        stop=(words(event.get("done_reason")) or "stop") if ended else "",
        usage=_usage(event) if ended else None,
        logprobs=logprob_shapes.listed(event.get("logprobs")),
        model=words(event.get("model")),
    )


def _usage(event: Mapping[str, Any]) -> Usage:
    """Counts and times; `prompt_eval_count` leaves cached tokens out in some releases."""
    prompt_ns, new_ns = (
        number(event.get("prompt_eval_duration")),
        number(event.get("eval_duration")),
    )
    return Usage(
        prompt_tokens=count(event.get("prompt_eval_count")),
        new_tokens=count(event.get("eval_count")),
        prompt_s=None if prompt_ns is None else prompt_ns / 1e9,
        new_s=None if new_ns is None else new_ns / 1e9,
    )


GENERATE = Dialect(
    name="Ollama", path="/api/generate", body=generate_body, piece=generate_piece,
    json_lines=True, most_stops=64,
)  # fmt: skip
CHAT = Dialect(
    name="Ollama chat", path="/api/chat", body=chat_body, piece=chat_piece,
    json_lines=True, most_stops=64,
)  # fmt: skip
