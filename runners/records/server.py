"""Part of a record about a server that was asked: what it said of itself, and what befell us."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runners.records.parts import Part
from runners.records.values import Count, Rate, Seconds


class ServerInfo(Part):
    """A server behind which the model is, by its own account."""

    url: str | None = None
    """Address that was asked; None: a server that Weighin started itself."""
    kind: str = ""
    """`llama-server`, `vllm`, `ollama`, `openai` for any other, or `gradio` for an app; empty: it
    never answered."""
    version: str = ""
    model: str = ""
    """Name that requests carried."""
    models: list[str] = Field(default_factory=list)
    """Names of all models that it serves."""
    context: Count | None = None
    about: dict[str, Any] = Field(default_factory=dict)
    """What it says of the weights: file, digest, bytes, parameters. Nobody has checked it."""
    apis: list[str] = Field(default_factory=list)
    """APIs that answered when the model was looked for."""
    answers: list[str] = Field(default_factory=list)
    """The first greedy tokens after three fixed prompts: another model writes others."""
    answered_otherwise: str = ""
    """The newest earlier run of this candidate in the store, where those tokens were others.
    Another model, template or build may be behind the name. Empty: none, or the same tokens."""
    requests: Count = 0
    """Requests of the phases that were answered, or given up."""
    retries: Count = 0
    """Requests that were sent again; no time includes them."""
    waited_s: Seconds = 0.0
    """Seconds between tries."""
    outcomes: dict[str, Count] = Field(default_factory=dict)
    """How often each fault was met, by its name."""
    cached_tokens: Count | None = None
    """Most prompt tokens of a timed request that came from its cache; None: it does not say."""
    cache_ratio: Rate | None = None
    """Time to first token of a prompt by that of the same prompt again, where it does not say."""
    ended_early: Count = 0
    """Timed requests that had fewer tokens than were asked for."""
    unknown: dict[str, str] = Field(default_factory=dict)
    """What cannot be known of a model that runs elsewhere (`memory`, `weights`, `machine`,
    `cold start`, `energy`), and why."""
