"""OpenAI's completions and chat on the mock server, with vLLM's further paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runners.endpoint.mock.answering import (
    Completion,
    Mock,
    Request,
    Stream,
    Token,
    Whole,
    grouped,
    sse,
)
from runners.endpoint.mock.language import top

ROLES = "{role}: {content}\n"
ASSISTANT = "assistant: "
"""How a conversation becomes a prompt."""


def health(_mock: Mock, _request: Request) -> Whole:
    """An empty answer, as vLLM gives."""
    return Whole(body="")


def version(_mock: Mock, _request: Request) -> Whole:
    """The version, where vLLM tells it."""
    return Whole(body={"version": "mock"})


def metrics(mock: Mock, _request: Request) -> Whole:
    """Counters of the prefix cache, under vLLM's name."""
    hits = mock.sessions.get("cached", 0)
    return Whole(body=f"vllm:prefix_cache_hits_total{{}} {hits}\n")


def models(mock: Mock, _request: Request) -> Whole:
    """`/v1/models`."""
    owners = {"vllm": "vllm", "llama-server": "llamacpp", "ollama": "library"}
    owner = next((owners[name] for name in mock.options.speaks if name in owners), "mock")
    if len(mock.options.speaks) > 1:
        owner = "mock"
    return Whole(
        body={
            "object": "list",
            "data": [{"id": mock.options.model, "object": "model", "owned_by": owner}],
        }
    )


def tokenize(mock: Mock, request: Request) -> Whole:
    """Token ids by vLLM's `/tokenize`: with special tokens unless told otherwise."""
    if not mock.options.tokenizes:
        return Whole(body={"error": "no tokenizer"}, status=404)
    special = request.body.get("add_special_tokens", True)
    ids = mock.language.encode(request.body["prompt"], special=special)
    return Whole(body={"tokens": ids, "count": len(ids), "max_model_len": 4096})


def completions(mock: Mock, request: Request) -> Whole | Stream:
    """`/v1/completions`."""
    body = request.body
    refused = _wrong_model(mock, body)
    if refused is not None:
        return refused
    if mock.options.chats_alone:
        return _refused("This is a chat model.")
    done = _complete(mock, body, prompt_ids(mock, body["prompt"]))
    if body.get("stream"):
        return _streamed(mock, body, done, kind="text")
    echo = bool(body.get("echo")) and mock.options.echo != "ignored"
    text = (mock.language.decode(done.prompt) if echo else "") + done.text
    choice = {"index": 0, "text": text, "finish_reason": done.stop}
    if body.get("logprobs") and mock.options.logprobs:
        choice["logprobs"] = _columns(mock, done, int(body["logprobs"]), echo=echo)
    return Whole(body=_envelope(mock, done, [choice]), due_s=done.due_s)


def chat(mock: Mock, request: Request) -> Whole | Stream:
    """`/v1/chat/completions`."""
    body = request.body
    refused = _wrong_model(mock, body)
    if refused is not None:
        return refused
    if mock.options.newer and "max_tokens" in body:
        return _refused("Unsupported parameter: use 'max_completion_tokens' instead.")
    done = _complete(mock, body, prompt_ids(mock, conversation(body["messages"])))
    if body.get("stream"):
        return _streamed(mock, body, done, kind="delta")
    message = {"role": "assistant", "content": done.text}
    if done.thought:
        message["reasoning_content"] = done.thought
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": done.stop}
    if body.get("logprobs") and mock.options.logprobs:
        n = int(body.get("top_logprobs", 0))
        choice["logprobs"] = {"content": [listed(mock, token, n) for token in done.tokens]}
    return Whole(body=_envelope(mock, done, [choice]), due_s=done.due_s)


def conversation(messages: Sequence[dict[str, Any]]) -> str:
    """Messages as one prompt, whose last line the assistant writes."""
    return "".join(ROLES.format(**message) for message in messages) + ASSISTANT


def prompt_ids(mock: Mock, prompt: str | list[int]) -> list[int]:
    """Tokens of a prompt: a text gets a BOS, ids are taken as they are."""
    if isinstance(prompt, str):
        return mock.language.encode(prompt, special=True)
    return list(prompt)


def listed(mock: Mock, token: Token, n: int) -> dict[str, Any]:
    """One token's log-probability and the `n` likeliest in its place, as objects."""
    row = mock.language.logprobs(token.before)
    return {
        "id": token.id,
        "token": mock.language.decode([token.id]),
        "bytes": [token.id],
        "logprob": 0.0 if mock.options.after_sampling else row[token.id],
        "top_logprobs": [
            {"id": one, "token": mock.language.decode([one]), "bytes": [one], "logprob": row[one]}
            for one in top(row, n)
        ],
    }


def usage(done: Completion) -> dict[str, Any]:
    """Counts of tokens."""
    return {
        "prompt_tokens": len(done.prompt),
        "completion_tokens": len(done.tokens),
        "total_tokens": len(done.prompt) + len(done.tokens),
        "prompt_tokens_details": {"cached_tokens": done.cached},
    }


def _wrong_model(mock: Mock, body: dict[str, Any]) -> Whole | None:
    """A refusal of another model's name, which llama-server would not care for."""
    name, own = body.get("model", mock.options.model), mock.options.model
    if name == own or mock.options.speaks == ("llama-server",):
        return None
    return Whole(body={"error": {"message": f"The model `{name}` does not exist."}}, status=404)


def _refused(why: str) -> Whole:
    return Whole(body={"error": {"message": why}}, status=400)


def _complete(mock: Mock, body: dict[str, Any], prompt: list[int]) -> Completion:
    most = mock.options.most_prompt
    if most and len(prompt) > most:
        raise ValueError(f"the prompt has {len(prompt)} tokens, at most {most}")
    stops = body.get("stop") or []
    done = mock.complete(
        prompt,
        int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)
        if {"max_tokens", "max_completion_tokens"} & body.keys()
        else 16,
        stops=[stops] if isinstance(stops, str) else stops,
        by_model=bool(body.get("logprobs")),
        fills=bool(body.get("ignore_eos")),
        may_cache=body.get("cache_prompt") is not False and not body.get("cache_salt"),
    )
    mock.sessions["cached"] = mock.sessions.get("cached", 0) + done.cached
    return done


def _envelope(mock: Mock, done: Completion, choices: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {"id": "mock-1", "model": mock.options.model, "choices": choices}
    if mock.options.usage:
        body["usage"] = usage(done)
    return body


def _streamed(mock: Mock, body: dict[str, Any], done: Completion, *, kind: str) -> Stream:
    """Events of a stream: text or delta, a last one with the reason, and one with the usage."""

    def event(said: dict[str, Any], stop: str | None = None) -> bytes:
        part = said if kind == "text" else {"delta": said}
        choice = {"index": 0, **part, "finish_reason": stop}
        return sse({"id": "mock-1", "model": mock.options.model, "choices": [choice]})

    key = "text" if kind == "text" else "content"
    frames = [(0.0, event({key: ""})) for _ in range(mock.options.empty_events)]
    for group in grouped(done.tokens, mock.options.coalesce):
        text = "".join(token.text for token in group)
        name = "reasoning_content" if group[0].thought and kind == "delta" else key
        if text:
            frames.append((group[-1].due_s, event({name: text})))
    frames.append((done.due_s, event({key: ""} if kind == "text" else {}, done.stop)))
    if mock.options.usage and (body.get("stream_options") or {}).get("include_usage"):
        last = {"id": "mock-1", "model": mock.options.model, "choices": [], "usage": usage(done)}
        frames.append((done.due_s, sse(last)))
    frames.append((done.due_s, sse("[DONE]")))
    return Stream(frames=frames)


def _columns(mock: Mock, done: Completion, n: int, *, echo: bool) -> dict[str, Any]:
    """Log-probabilities as OpenAI's completions and vLLM list them."""
    pairs: list[tuple[int, int | None]] = [(token.id, token.before) for token in done.tokens]
    if echo:
        pairs = [*zip(done.prompt, [None, *done.prompt[:-1]], strict=True), *pairs]
    if echo and mock.options.echo == "shifted":
        pairs = [(token, None if before is None else token) for token, before in pairs]
    lists: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": []}
    for token, before in pairs:
        row = None if before is None else mock.language.logprobs(before)
        lists["tokens"].append(mock.language.decode([token]))
        lists["token_logprobs"].append(None if row is None else row[token])
        likely = {} if row is None else {mock.language.decode([t]): row[t] for t in top(row, n)}
        if row is not None:
            likely.setdefault(mock.language.decode([token]), row[token])
        lists["top_logprobs"].append(likely or None)
    return {**lists, "text_offset": []}
