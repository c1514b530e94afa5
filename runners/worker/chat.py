"""A model's own chat template, rendered in a sandbox: it is somebody's code in a weights file."""

from __future__ import annotations

from collections.abc import Sequence

MAX_TEMPLATE_BYTES = 256 * 1024
MAX_PROMPT_CHARACTERS = 4 * 1024 * 1024


class ChatTemplateError(Exception):
    """The template is missing, wrong, or wants what it may not have."""


def render(
    template: str,
    messages: Sequence[dict[str, str]],
    *,
    add_generation_prompt: bool,
    bos: str,
    eos: str,
) -> str:
    """Render messages (`role`, `content`) as transformers does, in sandboxed Jinja.

    Raises:
        ChatTemplateError: it does not parse, raises, leaves the sandbox, or grows too large.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if len(template) > MAX_TEMPLATE_BYTES:
        raise ChatTemplateError(f"a chat template of {len(template)} characters is refused")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    try:
        pieces = environment.from_string(template).generate(
            messages=list(messages),
            add_generation_prompt=add_generation_prompt,
            bos_token=bos,
            eos_token=eos,
            tools=None,
        )
        return _bounded(pieces)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError,
            AttributeError, RecursionError, MemoryError) as error:  # fmt: skip
        raise ChatTemplateError(f"the model's chat template fails: {error}"[:300]) from error


def _refuse(message: str) -> str:
    raise ChatTemplateError(f"the model's chat template refuses these messages: {message}"[:300])


def _bounded(pieces: object) -> str:
    text: list[str] = []
    size = 0
    for piece in pieces:  # type: ignore[attr-defined]
        text.append(piece)
        size += len(piece)
        if size > MAX_PROMPT_CHARACTERS:
            raise ChatTemplateError("the model's chat template renders more than 4 MiB")
    return "".join(text)
