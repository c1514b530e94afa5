"""The process that renders templates of others, and searches for their regular expressions.

Run as a script, outside of any package: `python -I -S template_child.py FOLDER…`, the folders being
those that hold jinja2. It asks nothing of anybody and holds nothing, so the system may bound its
memory and its time, whatever a template calls or an
expression tries. Questions are pickled by the parent, which trusts
itself; answers are JSON, because what comes out of here is not trusted.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal  # noqa: F401  # of documents: unpickled
import json
import math
import pickle
import re
import struct
import sys
import time
from typing import IO, TYPE_CHECKING, Any

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

if __name__ == "__main__":
    sys.path += sys.argv[1:]

import jinja2.debug  # noqa: F401  # Jinja reads it when a template fails
from jinja2 import BaseLoader, StrictUndefined, TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jinja2 import Environment, Template
    from jinja2.nodes import Node
    from jinja2.parser import Parser

MEMORY_BYTES = 512 * 1024 * 1024
"""Address space; Python and Jinja take a tenth of it."""
CPU_S = 2
"""CPU seconds for one rendering, which the system rounds up to whole ones; a real template takes 1
ms."""
MAX_CHARACTERS = {"chat": 4 * 1024 * 1024, "task": 1024 * 1024}
"""Most characters of a rendered text, by kind of template."""
MAX_LITERAL = 64 * 1024
"""Most characters of a text that lm-eval reads as a list: Python takes 500 bytes for each."""
TOO_LARGE = {"fault": f"takes more memory than {MEMORY_BYTES // 2**20} MiB"}
KEPT = 64
"""Compiled templates."""
TODAY = datetime.date(2024, 7, 26)
"""The date that `strftime_now` gives a template; with the real one prompts would change
overnight."""
TAG = "CONTINUE_FINAL_MESSAGE_TAG "
"""transformers' own mark of where a begun answer ends, in case that a template looks for it."""
FAULTS = (
    TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
    # Jinja compiles a template to Python, which has limits of its own.
    SyntaxError, RuntimeError,
    re.error,
)  # fmt: skip


class Fault(Exception):
    """A fault of the template, as a clause: `takes more memory than …`."""


class _Generation(Extension):
    """`{% generation %}`, with which some templates mark what is trained on: shown as it is."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's own declaration

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Refusal(TemplateError):
    """The template itself refuses the messages, by `raise_exception`."""


def _chat_environment() -> Environment:
    """Jinja environment of chat templates, set up like `transformers.utils.chat_template_utils`."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = TODAY.strftime
    return environment


def _task_environment() -> Environment:
    """Jinja environment for tasks, set up like `lm_eval.utils`, but sandboxed."""
    environment = SandboxedEnvironment(
        loader=BaseLoader(), undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["regex_replace"] = _regex_replace
    return environment


def _tojson(value: Any, indent: int | None = None, **options: Any) -> str:
    """Plain JSON; Jinja's own filter would escape `<` and `'` for web pages."""
    return json.dumps(value, **{"ensure_ascii": False, "indent": indent, **options})


def _refuse(message: str) -> str:
    raise _Refusal(message)


def _regex_replace(text: str, pattern: str, repl: str, count: int = 0) -> str:
    return re.sub(pattern, repl, text, count=count)


class Templates:
    """Compiled templates of both kinds."""

    def __init__(self) -> None:
        self._environments = {"chat": _chat_environment(), "task": _task_environment()}
        self._compiled: dict[tuple[str, str], Template] = {}

    def render(self, kind: str, template: str, variables: dict[str, Any]) -> str:
        """One text.

        Raises:
            Fault: it is larger than its kind may be.
        """
        known = (kind, template)
        if known not in self._compiled:
            if len(self._compiled) >= KEPT:
                self._compiled.clear()
            self._compiled[known] = self._environments[kind].from_string(template)
        return _bounded(self._compiled[known].generate(**variables), MAX_CHARACTERS[kind])


def _bounded(pieces: Iterable[str], most: int) -> str:
    text: list[str] = []
    size = 0
    for piece in pieces:
        text.append(piece)
        size += len(piece)
        if size > most:
            raise Fault(f"renders more than {most:,} characters")
    return "".join(text)


def chat(
    templates: Templates, template: str, messages: Sequence[dict[str, str]], *,
    add_generation_prompt: bool, bos: str, eos: str, args: Mapping[str, Any] | None = None,
) -> tuple[str, bool]:  # fmt: skip
    """Messages (`role`, `content`) as transformers renders them.

    Args:
        add_generation_prompt: False: the last message is a begun answer, whose turn stays open
            (transformers' `continue_final_message`, as lm-eval's `hf` pairs the two).
        args: what else the template is given, e.g. `enable_thinking`.

    Returns:
        The prompt, and whether it shows every system message: where the template refuses them,
        they are left out, as by lm-eval's `hf`.
    """

    def shown(asked: Sequence[dict[str, str]]) -> str:
        values = {
            "add_generation_prompt": add_generation_prompt,
            "bos_token": bos, "eos_token": eos, "tools": None, "documents": None, **(args or {}),
        }  # fmt: skip
        if add_generation_prompt:
            return templates.render("chat", template, {"messages": list(asked), **values})
        last = asked[-1]
        tagged = [*asked[:-1], {**last, "content": last["content"] + TAG}]
        text = templates.render("chat", template, {"messages": tagged, **values})
        return _cut_at_tag(text, last["content"])

    system = [m["content"].strip() for m in messages if m["role"] == "system"]
    try:
        text = shown(messages)
    except TemplateError:
        if not system:
            raise
        return shown([m for m in messages if m["role"] != "system"]), False
    return text, all(content in text for content in system)


def turn_end(
    templates: Templates,
    template: str,
    *,
    bos: str,
    eos: str,
    args: Mapping[str, Any] | None = None,
) -> str:
    """Text that a template writes after an answer, from its first word on; empty where it does not
    show the answer.
    """
    turns = [("user", "a"), ("assistant", TAG)]
    values = {
        "messages": [{"role": role, "content": content} for role, content in turns],
        "add_generation_prompt": False,
        "bos_token": bos, "eos_token": eos, "tools": None, "documents": None, **(args or {}),
    }  # fmt: skip
    _, shown, after = templates.render("chat", template, values).rpartition(TAG.strip())
    return after.lstrip() if shown else ""


def _cut_at_tag(text: str, begun: str) -> str:
    if begun.strip() not in text or TAG.strip() not in text:
        raise Fault("leaves out the begun answer that it is to go on with (gen_prefix)")
    at = text.rindex(TAG.strip())
    # Without the tag's own space the template has stripped the message, and so is the begun answer.
    return text[:at] if text[at : at + len(TAG)] == TAG else text[:at].rstrip()


def _task(templates: Templates, template: str, variables: dict[str, Any]) -> str:
    text = templates.render("task", template, variables)
    if len(text) > MAX_LITERAL and text[0] == "[" and text[-1] == "]":
        raise Fault(f"renders a list of more than {MAX_LITERAL:,} characters")
    return text


def answer(templates: Templates, question: dict[str, Any]) -> dict[str, Any]:
    """The rendered text, or what a search found; or `fault`: a clause that says what is wrong."""
    try:
        match question.pop("kind"):
            case "search":
                return {"found": re.search(question["pattern"], question["text"]) is not None}
            case "chat":
                text, complete = chat(templates, **question)
                return {"text": text, "complete": complete}
            case "turn end":
                return {"text": turn_end(templates, **question)}
        return {"text": _task(templates, **question)}
    except Fault as fault:
        return {"fault": str(fault)}
    except MemoryError:
        return TOO_LARGE
    except _Refusal as error:
        return {"fault": f"refuses these messages: {_one_line(error)}"}
    except FAULTS as error:
        return {"fault": f"fails: {_one_line(error)}"}


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:240]


def _limit_memory() -> None:
    if resource is not None:
        # Where a system has no such limit, the parent's clock is the only one.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _limit_time() -> None:
    """Let the system end this process once it has used `CPU_S` more of a processor."""
    if resource is not None:
        with contextlib.suppress(ValueError, OSError):
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + CPU_S, hard))


def serve(inbox: IO[bytes], outbox: IO[bytes], *, read: Callable[[bytes], Any]) -> None:
    """Answer questions (four bytes of length, then that many) until there are no more."""
    templates = Templates()
    while len(head := inbox.read(4)) == 4:
        _limit_time()
        try:
            question = read(inbox.read(struct.unpack("<I", head)[0]))
            said = json.dumps(answer(templates, question)).encode("ascii")
        except MemoryError:
            said = json.dumps(TOO_LARGE).encode("ascii")
        outbox.write(struct.pack("<I", len(said)) + said)
        outbox.flush()


if __name__ == "__main__":
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer, read=pickle.loads)
