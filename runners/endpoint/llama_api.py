"""llama-server's own `/completion`, which tells more than its OpenAI-compatible paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runners.endpoint import logprob_shapes
from runners.endpoint.asking import Ask, Dialect, Piece, Turn, Usage, count, table, words
from runners.endpoint.faults import EndpointError
from runners.endpoint.openai_api import server_times

_STOPS = {"eos": "stop", "word": "stop", "limit": "length"}


def completion_body(model: str, ask: Ask) -> dict[str, Any]:  # noqa: ARG001
    """Request of `/completion`; every sampler is told off where nothing asks for it."""
    prompt = ask.prompt
    if isinstance(prompt, tuple) and any(isinstance(one, Turn) for one in prompt):
        raise EndpointError("request refused", "/completion takes no conversation")
    body: dict[str, Any] = {
        "prompt": prompt if isinstance(prompt, str) else list(prompt),
        "n_predict": ask.max_tokens,
        "temperature": ask.temperature,
        "top_k": ask.top_k,
        "top_p": ask.top_p,
        "min_p": ask.min_p,
        "repeat_penalty": ask.repetition_penalty,
        "stream": ask.stream,
    }
    told = {"stop": list(ask.stop), "seed": ask.seed, "n_probs": ask.logprobs}
    body.update({key: value for key, value in told.items() if value not in (None, [])})
    return {**body, **ask.extra}


def completion_piece(event: Mapping[str, Any]) -> Piece:
    """One event, or the whole answer; the last event has `stop: true` and the timings."""
    ended = event.get("stop") is True
    why = words(event.get("stop_type"))
    return Piece(
        text=words(event.get("content")),
        stop=_STOPS.get(why, why or "stop") if ended else "",
        usage=_usage(event) if ended else None,
        logprobs=logprob_shapes.listed(event.get("completion_probabilities")),
        model=words(event.get("model")),
    )


def _usage(event: Mapping[str, Any]) -> Usage:
    """Counts and times; `tokens_cached` is what the slot holds afterwards, so it is not read."""
    timed = server_times(table(event.get("timings")))
    evaluated, new = count(event.get("tokens_evaluated")), count(event.get("tokens_predicted"))
    return Usage(
        prompt_tokens=evaluated if timed.prompt_tokens is None else timed.prompt_tokens,
        new_tokens=new if timed.new_tokens is None else timed.new_tokens,
        cached_tokens=timed.cached_tokens,
        prompt_s=timed.prompt_s,
        new_s=timed.new_s,
    )


COMPLETION = Dialect(
    name="llama-server",
    path="/completion",
    body=completion_body,
    piece=completion_piece,
    most_stops=64,
)
