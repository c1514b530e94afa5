"""OpenAI's completions and chat, as vLLM, llama-server, LM Studio and many more serve them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runners.endpoint import logprob_shapes
from runners.endpoint.asking import (
    Ask,
    Dialect,
    Piece,
    Scored,
    Turn,
    Usage,
    count,
    need_turns,
    number,
    rows,
    table,
    words,
)
from runners.endpoint.faults import EndpointError


def _common(model: str, ask: Ask) -> dict[str, Any]:
    """Keys of both; one that would say nothing is left out, since some servers refuse it."""
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "stream": ask.stream,
    }
    if ask.stream:
        body["stream_options"] = {"include_usage": True}
    told = {
        "stop": list(ask.stop),
        "seed": ask.seed,
        "top_p": ask.top_p if ask.top_p < 1 else None,
        "top_k": ask.top_k,
        "min_p": ask.min_p,
        "repetition_penalty": ask.repetition_penalty if ask.repetition_penalty != 1 else None,
    }
    body.update({key: value for key, value in told.items() if value not in (None, [], 0, 0.0)})
    if ask.seed == 0:
        body["seed"] = 0
    return {**body, **ask.extra}


def completions_body(model: str, ask: Ask) -> dict[str, Any]:
    """Request of `/completions`."""
    prompt = ask.prompt
    if isinstance(prompt, tuple) and any(isinstance(one, Turn) for one in prompt):
        raise EndpointError("request refused", "completions take no conversation")
    body = {**_common(model, ask), "prompt": prompt if isinstance(prompt, str) else list(prompt)}
    if ask.logprobs:
        body["logprobs"] = ask.logprobs
    if ask.echo:
        body["echo"] = True
    return body


def chat_body(model: str, ask: Ask) -> dict[str, Any]:
    """Request of `/chat/completions`."""
    body = {**_common(model, ask), "messages": need_turns(ask)}
    if ask.logprobs:
        body |= {"logprobs": True, "top_logprobs": ask.logprobs}
    return body


def completions_piece(event: Mapping[str, Any]) -> Piece:
    """One event, or the whole answer, of `/completions`."""
    choice = next(iter(rows(event.get("choices"))), {})
    return _piece(event, choice, text=words(choice.get("text")), reasoning="")


def chat_piece(event: Mapping[str, Any]) -> Piece:
    """One event (`delta`), or the whole answer (`message`), of `/chat/completions`."""
    choice = next(iter(rows(event.get("choices"))), {})
    said = table(choice.get("delta")) or table(choice.get("message"))
    return _piece(
        event,
        choice,
        text=words(said.get("content")),
        reasoning=words(said.get("reasoning_content")) or words(said.get("reasoning")),
    )


def _piece(
    event: Mapping[str, Any], choice: Mapping[str, Any], *, text: str, reasoning: str
) -> Piece:
    return Piece(
        text=text,
        reasoning=reasoning,
        stop=words(choice.get("finish_reason")),
        usage=_usage(event),
        logprobs=_logprobs(choice),
        model=words(event.get("model")),
    )


def _logprobs(choice: Mapping[str, Any]) -> tuple[Scored, ...]:
    """In the shape of either API: llama-server answers completions in that of chats."""
    block = table(choice.get("logprobs"))
    return logprob_shapes.listed(block.get("content")) or logprob_shapes.columns(block)


def _usage(event: Mapping[str, Any]) -> Usage | None:
    """Counts of `usage`, and llama-server's `timings` where they are."""
    said, timings = table(event.get("usage")), table(event.get("timings"))
    if not said and not timings:
        return None
    cached = count(table(said.get("prompt_tokens_details")).get("cached_tokens"))
    timed = server_times(timings)
    return Usage(
        prompt_tokens=_first(count(said.get("prompt_tokens")), timed.prompt_tokens),
        new_tokens=_first(count(said.get("completion_tokens")), timed.new_tokens),
        cached_tokens=_first(timed.cached_tokens, cached),
        prompt_s=timed.prompt_s,
        new_s=timed.new_s,
    )


def server_times(timings: Mapping[str, Any]) -> Usage:
    """llama-server's `timings`: `prompt_n` counts what was evaluated, `cache_n` what was not."""
    evaluated, cached = count(timings.get("prompt_n")), count(timings.get("cache_n"))
    prompt_ms, new_ms = number(timings.get("prompt_ms")), number(timings.get("predicted_ms"))
    return Usage(
        prompt_tokens=None if evaluated is None else evaluated + (cached or 0),
        new_tokens=count(timings.get("predicted_n")),
        cached_tokens=cached,
        prompt_s=None if prompt_ms is None else prompt_ms / 1e3,
        new_s=None if new_ms is None else new_ms / 1e3,
    )


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


COMPLETIONS = Dialect(
    name="OpenAI completions",
    path="/completions",
    body=completions_body,
    piece=completions_piece,
    prefixed=True,
)
CHAT = Dialect(
    name="OpenAI chat", path="/chat/completions", body=chat_body, piece=chat_piece, prefixed=True
)
