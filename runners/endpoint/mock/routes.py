"""Paths of each API that the mock server speaks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from runners.endpoint.mock import gradio, llama, ollama, openai
from runners.endpoint.mock.answering import Mock, Request, Stream, Whole
from runners.endpoint.mock.options import Spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path and what answers it."""

    method: str
    path: str
    """Ends with a slash where anything may follow."""
    answer: Callable[[Mock, Request], Whole | Stream]
    completes: bool = False
    """True: it asks for a completion, which may meet a fault."""


def _tokenize(mock: Mock, request: Request) -> Whole:
    """By the key that the text is in: vLLM and llama-server share the path."""
    answer = openai.tokenize if "prompt" in request.body else llama.tokenize
    return answer(mock, request)


_OPENAI = (
    Route(method="GET", path="/v1/models", answer=openai.models),
    Route(method="POST", path="/v1/completions", answer=openai.completions, completes=True),
    Route(method="POST", path="/v1/chat/completions", answer=openai.chat, completes=True),
)
ROUTES: Mapping[Spoken, Sequence[Route]] = {
    "openai": _OPENAI,
    "vllm": (
        *_OPENAI,
        Route(method="GET", path="/health", answer=openai.health),
        Route(method="GET", path="/version", answer=openai.version),
        Route(method="GET", path="/metrics", answer=openai.metrics),
        Route(method="POST", path="/tokenize", answer=_tokenize),
    ),
    "llama-server": (
        *_OPENAI,
        Route(method="GET", path="/health", answer=llama.health),
        Route(method="GET", path="/props", answer=llama.props),
        Route(method="POST", path="/tokenize", answer=_tokenize),
        Route(method="POST", path="/completion", answer=llama.completion, completes=True),
    ),
    "ollama": (
        *_OPENAI,
        Route(method="GET", path="/api/version", answer=ollama.version),
        Route(method="GET", path="/api/tags", answer=ollama.tags),
        Route(method="POST", path="/api/show", answer=ollama.show),
        Route(method="POST", path="/api/generate", answer=ollama.generate, completes=True),
        Route(method="POST", path="/api/chat", answer=ollama.chat, completes=True),
    ),
    "gradio": (
        Route(method="GET", path="/config", answer=gradio.config),
        Route(method="GET", path=f"{gradio.PREFIX}/info", answer=gradio.info),
        Route(method="POST", path=f"{gradio.PREFIX}/queue/join", answer=gradio.join),
        Route(method="GET", path=f"{gradio.PREFIX}/queue/data", answer=gradio.data, completes=True),
    ),
}


def find_route(speaks: Collection[Spoken], method: str, path: str) -> Route | None:
    """The first route of the APIs that are spoken; None: there is none."""
    for name in speaks:
        for route in ROUTES[name]:
            prefix = route.path.endswith("/") and path.startswith(route.path)
            if route.method == method and (route.path == path or prefix):
                return route
    return None
