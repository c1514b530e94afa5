"""A model's own chat template, rendered in a sandbox: it is somebody's code in a weights file."""

from __future__ import annotations

import datetime
import json
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from jinja2.nodes import Node
    from jinja2.parser import Parser
    from jinja2.runtime import Context

MAX_TEMPLATE_CHARACTERS = 256 * 1024
MAX_PROMPT_CHARACTERS = 4 * 1024 * 1024
MAX_EXPONENT = 1000
PADDING = frozenset(["center", "expandtabs", "ljust", "rjust", "zfill"])
"""Methods of text that make it as wide as they are told."""
MAX_RENDER_S = 2.0
"""Two nested loops over a sandboxed `range` are 10^10 rounds; a real template takes 1 ms."""
TODAY = datetime.date(2024, 7, 26)
"""What `strftime_now` tells a template: with the real day a prompt would change overnight."""


class ChatTemplateError(Exception):
    """The template is missing, wrong, or wants what it may not have."""


class _TooSlow(BaseException):
    """Not an Exception: Jinja drops those that come while it folds constants, and goes on."""


def render(
    template: str,
    messages: Sequence[dict[str, str]],
    *,
    add_generation_prompt: bool,
    bos: str,
    eos: str,
    limit_s: float = MAX_RENDER_S,
) -> str:
    """Render messages (`role`, `content`) as transformers does, in sandboxed Jinja.

    Args:
        limit_s: seconds that parsing and rendering may take; see `_deadline`.

    Raises:
        ChatTemplateError: it does not parse, raises, leaves the sandbox, takes too long, or grows
            too large.
    """
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise ChatTemplateError(f"a chat template of {len(template)} characters is refused")
    try:
        with _deadline(limit_s):
            pieces = _environment().from_string(template).generate(
                messages=list(messages),
                add_generation_prompt=add_generation_prompt,
                bos_token=bos,
                eos_token=eos,
                tools=None,
                documents=None,
            )  # fmt: skip
            return _bounded(pieces)
    except _TooSlow:
        raise ChatTemplateError(
            f"the model's chat template takes longer than {limit_s:g} s"
        ) from None
    # SyntaxError and RuntimeError: Jinja compiles the template to Python, which has its own limits.
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
            SyntaxError, RuntimeError, MemoryError) as error:  # fmt: skip
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ChatTemplateError(f"the model's chat template fails: {reason}"[:300]) from error


class _Generation(Extension):
    """`{% generation %}`, with which some templates mark what is trained on: shown as it is."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's own declaration

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses what would make a value larger than any prompt, before it takes memory.

    Products, powers, and whatever pads a text to a width that is given as a number.
    """

    intercepted_binops = frozenset(["*", "**", "%"])

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(obj, "__name__", "") in PADDING:
            _check_width(*args, *kwargs.values())
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            _check_width(left)
        sizes = [len(x) for x in (left, right) if isinstance(x, str | bytes | list | tuple)]
        numbers = [abs(x) for x in (left, right) if isinstance(x, int)]
        too_large = sizes and numbers and sizes[0] * numbers[0] > MAX_PROMPT_CHARACTERS
        if too_large or (operator == "**" and max(numbers, default=0) > MAX_EXPONENT):
            raise _too_large()
        return super().call_binop(context, operator, left, right)


def _of_bounded_width(original: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(*args: Any, **kwargs: Any) -> Any:
        _check_width(*args, *kwargs.values())
        return original(*args, **kwargs)

    return bounded


def _check_width(*values: Any) -> None:
    """Refuse a width beyond any prompt, as a number or within a format such as `%99999d`."""
    for value in values:
        wide = isinstance(value, int) and abs(value) > MAX_PROMPT_CHARACTERS
        if wide or (isinstance(value, str) and re.search(r"%[^a-zA-Z%]*[0-9]{7}", value)):
            raise _too_large()


def _too_large() -> ChatTemplateError:
    return ChatTemplateError(
        f"the model's chat template makes more than {MAX_PROMPT_CHARACTERS} characters"
    )


def _environment() -> ImmutableSandboxedEnvironment:
    """As `transformers.utils.chat_template_utils` sets it up."""
    environment = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    for name in ("center", "format", "indent"):
        environment.filters[name] = _of_bounded_width(environment.filters[name])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    return environment


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after `seconds`, by an alarm of the system.

    Only the main thread of a POSIX process can have one: the worker's, where templates are
    rendered. Elsewhere (Windows) a template that never ends is ended with its worker, when the
    parent has heard nothing for `--timeout`.
    """
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def _interrupt(_signal: int, _frame: object) -> None:
    raise _TooSlow


def _tojson(value: Any, indent: int | None = None) -> str:
    """Plain JSON; Jinja's own filter would escape `<` and `'` for web pages."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _strftime_now(form: str) -> str:
    return TODAY.strftime(form)


def _refuse(message: str) -> str:
    raise ChatTemplateError(f"the model's chat template refuses these messages: {message}"[:300])


def _bounded(pieces: Iterable[str]) -> str:
    text: list[str] = []
    size = 0
    for piece in pieces:
        text.append(piece)
        size += len(piece)
        if size > MAX_PROMPT_CHARACTERS:
            raise ChatTemplateError(
                f"the model's chat template renders more than {MAX_PROMPT_CHARACTERS} characters"
            )
    return "".join(text)
