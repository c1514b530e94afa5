"""Runtime `gradio` as the parent knows it: an app that is started here, or runs elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from evals.spec_file import PRINTABLE
from runners.endpoint.address import read_address
from runners.runtimes.spec import RuntimeSpec, Settings

MOST_ITEMS = 100
"""Questions of one run that somebody's Space is asked without being told otherwise."""
PAUSE_S = 1.0
"""Pause between two questions to an app that runs elsewhere."""
Seconds = Annotated[float, Field(gt=0, le=24 * 3600)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class GradioSettings(Settings):
    """Settings of the runtime `gradio`."""

    incidental: ClassVar[frozenset[str]] = frozenset({
        "python", "port", "api_key_env", "pause_s", "start_s", "answer_s", "max_items", "warm_up",
    })  # fmt: skip

    url: str | None = None
    """Address of an app that runs already, e.g. https://owner-name.hf.space; nothing is started."""
    space: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """A Space, as owner/name; the Hub is asked for its address and whether it is awake."""
    endpoint: Annotated[str, Field(pattern=PRINTABLE)] = "auto"
    """The function that answers, by its API name (`/chat`); auto: found in what the app says."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """Values of the function's other parameters, by name; the app's own defaults otherwise."""
    python: Annotated[str, Field(pattern=PRINTABLE)] | None = None
    """Interpreter that runs the app; default: that of a .venv beside it, of the active virtual
    environment, or of Weighin, the first that has Gradio."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of an app that sets its own in launch(server_port=…); default: a free one."""
    api_key_env: Variable | None = None
    """Name of the variable with a token for a private Space; never the token itself."""
    pause_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    """Pause between two questions; default: none to an app of your own, 1 s to one elsewhere."""
    start_s: Seconds = 300.0
    """Longest wait for an app to start, or for a Space to wake."""
    answer_s: Seconds = 120.0
    """Longest wait for one answer; an app that takes longer hangs."""
    max_items: Annotated[int, Field(ge=1)] | None = None
    """Most questions of a run; default: 100 to an app elsewhere, any number to your own."""
    warm_up: Annotated[str, Field(min_length=1, max_length=10_000)] = "Hello"
    """Question that is asked first: it wakes the app, and its first words end the cold start."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        return None if text is None else read_address(text).text

    @model_validator(mode="after")
    def _one_place(self) -> GradioSettings:
        if self.url and self.space:
            raise ValueError("give one of url and space")
        return self

    @property
    def elsewhere(self) -> str:
        """Host of an app that is not started here; empty where it is."""
        if self.space:
            return f"{self.space.replace('/', '-').lower()}.hf.space"
        return read_address(self.url).origin.partition("://")[2] if self.url else ""

    @property
    def most_items(self) -> int | None:
        """Most questions of one run; None: any number."""
        return self.max_items or (MOST_ITEMS if self.elsewhere else None)


def settings_of(text: str) -> dict[str, Any] | None:
    """Settings that a place stands for; None where it is no app's.

    Args:
        text: `gradio:owner/name`, `gradio:http://…`, or the address of a Space.
    """
    named = text.removeprefix("gradio:")
    if re.match(r"https?://", named):
        return {"url": named} if named != text or _is_space(named) else None
    return {"space": named} if named != text else None


def _is_space(url: str) -> bool:
    return re.match(r"https://[\w.-]+\.hf\.space(/|$)", url) is not None


SPEC = RuntimeSpec(
    name="gradio",
    code="runners.runtimes.gradio.runtime:GradioRuntime",
    settings=GradioSettings,
    weights="optional",
    formats=("app",),
    window=1,  # each answer is kept as it comes: a quota or a kill loses none
    can=frozenset({"generation"}),
    packages=("weighin",),
)
