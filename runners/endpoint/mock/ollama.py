"""Ollama's own paths on the mock server, after its API's documentation: no Ollama was at hand."""

from __future__ import annotations

import json
from typing import Any

from runners.endpoint.mock.answering import Completion, Mock, Request, Stream, Token, Whole, grouped
from runners.endpoint.mock.openai import conversation, listed, prompt_ids

DIGEST = "0" * 64


def version(_mock: Mock, _request: Request) -> Whole:
    """`/api/version`."""
    return Whole(body={"version": "0.12.11"})


def tags(mock: Mock, _request: Request) -> Whole:
    """`/api/tags`: the models that are here."""
    return Whole(
        body={
            "models": [
                {
                    "name": mock.options.model,
                    "model": mock.options.model,
                    "digest": DIGEST,
                    "size": 1_000,
                    "details": {
                        "family": "mock", "parameter_size": "66K", "quantization_level": "F32",
                    },
                }
            ]
        }
    )  # fmt: skip


def show(_mock: Mock, _request: Request) -> Whole:
    """`/api/show`: what is known of one model."""
    info = {"general.architecture": "mock", "mock.context_length": 4096}
    return Whole(body={"model_info": info, "capabilities": ["completion"]})


def generate(mock: Mock, request: Request) -> Whole | Stream:
    """`/api/generate`."""
    return _answered(mock, request.body, request.body["prompt"], "generate")


def chat(mock: Mock, request: Request) -> Whole | Stream:
    """`/api/chat`."""
    return _answered(mock, request.body, conversation(request.body["messages"]), "chat")


def _answered(mock: Mock, body: dict[str, Any], prompt: str, kind: str) -> Whole | Stream:
    name = body.get("model")
    if name not in (mock.options.model, f"{mock.options.model}:latest"):
        return Whole(body={"error": f"model '{name}' not found"}, status=404)
    options = body.get("options") or {}
    done = mock.complete(
        prompt_ids(mock, prompt),
        int(options.get("num_predict", 128)),
        stops=options.get("stop") or [],
        by_model=bool(body.get("logprobs")),
    )
    n = int(body.get("top_logprobs", 0)) if body.get("logprobs") else 0
    if body.get("stream") is False:
        last = _last(mock, done, kind, done.text, done.thought)
        if n:
            last["logprobs"] = [listed(mock, token, n) for token in done.tokens]
        return Whole(body=last, due_s=done.due_s)
    frames = []
    for group in grouped(done.tokens, mock.options.coalesce):
        event = _event(mock, group, kind)
        if n:
            event["logprobs"] = [listed(mock, token, n) for token in group]
        frames.append((group[-1].due_s, _line(event)))
    frames.append((done.due_s, _line(_last(mock, done, kind, "", ""))))
    return Stream(frames=frames, content_type="application/x-ndjson")


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _said(kind: str, text: str, thought: str) -> dict[str, Any]:
    more = {"thinking": thought} if thought else {}
    if kind == "generate":
        return {"response": text, **more}
    return {"message": {"role": "assistant", "content": text, **more}}


def _event(mock: Mock, group: list[Token], kind: str) -> dict[str, Any]:
    text = "".join(token.text for token in group)
    thought = group[0].thought
    said = _said(kind, "" if thought else text, text if thought else "")
    return {"model": mock.options.model, **said, "done": False}


def _last(mock: Mock, done: Completion, kind: str, text: str, thought: str) -> dict[str, Any]:
    last = {
        "model": mock.options.model,
        **_said(kind, text, thought),
        "done": True,
        "done_reason": done.stop,
    }
    if mock.options.usage:
        last |= {
            "prompt_eval_count": len(done.prompt),
            "prompt_eval_duration": int(done.first_due_s * 1e9),
            "eval_count": len(done.tokens),
            "eval_duration": int((done.due_s - done.first_due_s) * 1e9),
        }
    return last
