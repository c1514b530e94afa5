"""What a runtime that asks a server says of it. Standard library alone.

It is part of the protocol (`protocol.py`), whose names it is used by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ASKED = "asked"
"""Key of an app's account: its function that is asked, with its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSaid:
    """A server's own account of itself and of the model behind it."""

    kind: str
    """`llama-server`, `vllm`, `ollama`, `openai` for any other, or `gradio` for an app."""
    version: str
    """Version or build; empty where it does not say."""
    model: str
    """Name that requests carry; of an app its function."""
    models: list[str]
    """Names of all models that it serves; empty where it does not say."""
    context: int | None
    """Tokens of context; None where it does not say."""
    about: dict[str, Any] = field(default_factory=dict)
    """What it says of the weights: file, digest, bytes, parameters."""
    apis: list[str] = field(default_factory=list)
    """APIs that answered when the model was loaded."""
    answers: list[str] = field(default_factory=list)
    """The first greedy tokens after a few fixed prompts: another model writes others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Requests of one question to a server, and what befell them."""

    requests: int
    retries: int
    """Requests that were sent again; no time includes them."""
    waited_s: float
    """Seconds between tries."""
    outcomes: dict[str, int]
    """How often each fault was met, by its name (runners/endpoint/faults.py)."""
