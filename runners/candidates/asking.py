"""How a candidate is asked: its chat template, its thought, and how its tokens are chosen."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from evals.spec_file import Spec

MOST_TEXT = 64 * 1024
"""Characters of a system text, or of a template's arguments as JSON."""
Template = Literal["auto", "all", "off"]
Sampling = Literal["greedy", "recommended"]


class Chat(Spec):
    """The chat template: where it is used, and what it is given."""

    template: Template = "auto"
    """auto: generation tasks use the model's own template, where it has one; all: log-likelihood
    tasks, too, as lm-eval's `--apply_chat_template` does; off: none does."""
    system: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    """System text before a task's own description, as lm-eval's `--system_instruction`."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the template, e.g. `{enable_thinking: false}` or `{reasoning_effort: low}`."""

    @field_validator("args")
    @classmethod
    def _plain(cls, args: dict[str, Any]) -> dict[str, Any]:
        taken = sorted({"messages", "add_generation_prompt", "bos_token", "eos_token"} & set(args))
        if taken:
            raise ValueError(f"{taken[0]} is not an argument of one's own")
        try:
            text = json.dumps(args, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a template takes values of JSON: {error}") from error
        if len(text) > MOST_TEXT:
            raise ValueError(f"more than {MOST_TEXT:,} characters")
        return args

    @model_validator(mode="after")
    def _needs_a_template(self) -> Chat:
        if self.template == "off" and (self.system or self.args):
            raise ValueError("system and args go through the template, which `template: off` drops")
        return self


class Reasoning(Spec):
    """The model's thought: how it is told from the answer, and how long it may be."""

    start: Annotated[str, Field(max_length=200)] | None = None
    """Text that a thought begins with. None: told from the template, or from `end`."""
    end: Annotated[str, Field(max_length=200)] | None = None
    """Text that ends it, e.g. `</think>`. None: told from the template; empty: nothing is thought.
    """
    max_tokens: Annotated[int, Field(ge=1, le=1_048_576)] | None = None
    """Tokens of thought at most, beside those of the answer. None: 2,048."""

    @model_validator(mode="after")
    def _both(self) -> Reasoning:
        if self.start is not None and not self.end:
            raise ValueError("start needs the end that belongs to it")
        return self


def chosen_asking(chat: Chat, reasoning: Reasoning, sampling: Sampling | None) -> dict[str, Any]:
    """What of it is not the default, by the names that records and digests have.

    The template's key is the one that records had before it had company.
    """
    found: dict[str, Any] = {}
    if chat.template != "auto":
        found["chat_template"] = chat.template
    if chat.system:
        found["chat_system"] = chat.system
    if chat.args:
        found["chat_args"] = chat.args
    if given := reasoning.model_dump(exclude_none=True):
        found["reasoning"] = given
    if sampling is not None:
        found["sampling"] = sampling
    return found
