"""llama-server's own paths on the mock server."""

from __future__ import annotations

import re
from typing import Any

from runners.endpoint.mock.answering import Completion, Mock, Request, Stream, Token, Whole, sse
from runners.endpoint.mock.openai import listed, prompt_ids

_RULE = re.compile(r"root ::= ((?:<\[\d+\]> ?)+)")
_LITERAL = re.compile(r"<\[(\d+)\]>")


def health(_mock: Mock, _request: Request) -> Whole:
    """`/health`."""
    return Whole(body={"status": "ok"})


def props(mock: Mock, _request: Request) -> Whole:
    """`/props`: the model, its context, its template."""
    return Whole(
        body={
            "default_generation_settings": {"n_ctx": mock.options.context},
            "total_slots": mock.options.slots or 1,
            "model_path": mock.options.model,
            "build_info": "b0-mock",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "chat_template": "",
        }
    )


def tokenize(mock: Mock, request: Request) -> Whole:
    """`/tokenize`: no special tokens unless told otherwise."""
    if not mock.options.tokenizes:
        return Whole(body={"error": {"message": "File Not Found"}}, status=404)
    content, special = request.body["content"], bool(request.body.get("add_special"))
    if content == "<s>" and request.body.get("parse_special", True):
        return Whole(body={"tokens": [256]})
    return Whole(body={"tokens": mock.language.encode(content, special=special)})


def completion(mock: Mock, request: Request) -> Whole | Stream:
    """`/completion`: a text or ids, with a grammar of tokens or a bias on one where asked."""
    body = request.body
    prompt = prompt_ids(mock, body["prompt"])
    forced = _forced(body, grammars=mock.options.grammar)
    if forced is not None and not forced:
        return Whole(body={"error": {"message": "failed to parse grammar"}}, status=400)
    done = mock.complete(
        prompt,
        int(body.get("n_predict", 16)),
        stops=body.get("stop") or [],
        by_model=bool(body.get("n_probs")),
        fills=bool(body.get("ignore_eos")),
        may_cache=body.get("cache_prompt") is not False,
    )
    if forced:
        done = _written(mock, prompt, forced[: int(body.get("n_predict", 16))], done)
    n = int(body.get("n_probs", 0))
    if not body.get("stream"):
        last = _last(mock, done) | {"content": done.text}
        if n:
            last["completion_probabilities"] = [listed(mock, token, n) for token in done.tokens]
        return Whole(body=last, due_s=done.due_s)
    frames = [(token.due_s, sse(_event(mock, token, n))) for token in done.tokens if token.text]
    return Stream(frames=[*frames, (done.due_s, sse(_last(mock, done)))])


def _forced(body: dict[str, Any], *, grammars: bool) -> list[int] | None:
    """Tokens that it has to take; None: it is free; an empty list: the grammar is none."""
    if grammar := body.get("grammar"):
        rule = _RULE.fullmatch(grammar) if grammars else None
        return [int(token) for token in _LITERAL.findall(rule[1])] if rule else []
    bias = [int(token) for token, weight in body.get("logit_bias") or [] if weight >= 1000]
    return bias or None


def _written(mock: Mock, prompt: list[int], forced: list[int], done: Completion) -> Completion:
    befores = [prompt[-1] if prompt else 256, *forced[:-1]]
    tokens = [
        Token(id=token, before=before, due_s=done.first_due_s, text=mock.language.decode([token]))
        for token, before in zip(forced, befores, strict=True)
    ]
    return Completion(
        prompt=prompt,
        tokens=tokens,
        stop="stop",
        cached=done.cached,
        first_due_s=done.first_due_s,
    )


def _event(mock: Mock, token: Token, n: int) -> dict[str, Any]:
    event = {"content": token.text, "stop": False}
    return event | ({"completion_probabilities": [listed(mock, token, n)]} if n else {})


def _last(mock: Mock, done: Completion) -> dict[str, Any]:
    kinds = {"stop": "eos", "length": "limit"}
    last: dict[str, Any] = {
        "content": "", "stop": True, "stop_type": kinds[done.stop], "model": mock.options.model,
    }  # fmt: skip
    if mock.options.usage:
        last |= {
            "tokens_predicted": len(done.tokens),
            "tokens_evaluated": len(done.prompt),
            "timings": timings(done),
        }
    return last


def timings(done: Completion) -> dict[str, Any]:
    """Counts and times as llama-server reports them."""
    return {
        "cache_n": done.cached,
        "prompt_n": len(done.prompt) - done.cached,
        "prompt_ms": done.first_due_s * 1e3,
        "predicted_n": len(done.tokens),
        "predicted_ms": (done.due_s - done.first_due_s) * 1e3,
    }
