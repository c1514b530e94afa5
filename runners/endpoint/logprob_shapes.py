"""Log-probabilities in the two shapes that servers send them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runners.endpoint.asking import Likely, Scored, count, number, rows, table, words


def listed(entries: Any) -> tuple[Scored, ...]:
    """An object a token, as OpenAI's chat, llama-server and Ollama send them."""
    return tuple(
        Scored(
            token=words(one.get("token")),
            logprob=number(one.get("logprob")),
            id=count(one.get("id")),
            top=tuple(found for each in rows(one.get("top_logprobs")) if (found := _likely(each))),
        )
        for one in rows(entries)
    )


def columns(block: Mapping[str, Any]) -> tuple[Scored, ...]:
    """A list a field, as OpenAI's completions and vLLM send them; texts without ids."""
    tokens, logprobs = block.get("tokens"), block.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(logprobs, list):
        return ()
    tops = block.get("top_logprobs")
    likely = tops if isinstance(tops, list) else []
    return tuple(
        Scored(
            token=words(token),
            logprob=number(logprob),
            top=tuple(
                Likely(token=each, logprob=float(value))
                for each, value in table(likely[at] if at < len(likely) else None).items()
                if number(value) is not None
            ),
        )
        for at, (token, logprob) in enumerate(zip(tokens, logprobs, strict=False))
    )


def _likely(one: Mapping[str, Any]) -> Likely | None:
    logprob = number(one.get("logprob"))
    if logprob is None:
        return None
    return Likely(token=words(one.get("token")), logprob=logprob, id=count(one.get("id")))
