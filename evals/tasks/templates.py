"""Render somebody's template, or search for their regular expression, in a bounded process.

A template is code. No list of methods bounds what it takes, since one call into C may take
gigabytes or minutes; the limits that the system holds a process to do.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evals.tasks import template_child

WALL_S = 60.0
"""Seconds until a rendering is ended: the one bound where the system limits no CPU time."""
_MOST_BYTES = 64 * 1024 * 1024
"""Most bytes of an answer: a character is at most twelve bytes of JSON, two escaped halves."""
_PROGRAM = Path(template_child.__file__)


class TemplateFault(Exception):
    """A fault of the template, as a clause without its subject: `fails: …`."""


class TemplateChild:
    """One process for any number of templates; it is started at the first one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next template starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):  # a question that it did not read
                process.communicate()

    def task(self, template: str, variables: dict[str, Any]) -> str:
        """A template of a task, over one document.

        Raises:
            TemplateFault: it fails, or takes more than it may.
        """
        return str(self._ask(kind="task", template=template, variables=variables)["text"])

    def chat(
        self, template: str, messages: list[dict[str, str]], *, add_generation_prompt: bool,
        bos: str, eos: str, args: Mapping[str, Any] | None = None,
    ) -> tuple[str, bool]:  # fmt: skip
        """A prompt, and whether it shows every system message (`template_child.chat`).

        Raises:
            TemplateFault: it fails, refuses the messages, or takes more than it may.
        """
        found = self._ask(
            kind="chat", template=template, messages=messages, bos=bos, eos=eos, args=args,
            add_generation_prompt=add_generation_prompt,
        )  # fmt: skip
        return str(found["text"]), bool(found["complete"])

    def search(self, pattern: str, text: str) -> bool:
        """True where a regular expression is found in a text.

        Raises:
            TemplateFault: it takes more than it may.
        """
        return bool(self._ask(kind="search", pattern=pattern, text=text)["found"])

    def turn_end(
        self, template: str, *, bos: str, eos: str, args: Mapping[str, Any] | None = None
    ) -> str:
        """What a chat template writes after an answer (`template_child.turn_end`).

        Raises:
            TemplateFault: it fails, refuses the messages, or takes more than it may.
        """
        found = self._ask(kind="turn end", template=template, bos=bos, eos=eos, args=args)
        return str(found["text"])

    def _ask(self, **question: Any) -> dict[str, Any]:
        try:
            asked = pickle.dumps(question)
        except Exception as error:  # a document may hold any object
            raise TemplateFault(f"cannot be given its document: {error}") from error
        process = self._process or self._start()
        late = threading.Timer(WALL_S, process.kill)
        late.start()
        try:
            said = _exchange(process, asked)
        finally:
            late.cancel()
        if said is None:
            fault = _how_it_ended(process)
            self.close()
            raise TemplateFault(fault)
        if "fault" in said:
            raise TemplateFault(str(said["fault"]))
        return said

    def _start(self) -> subprocess.Popen[bytes]:
        import jinja2
        import markupsafe

        folders = {str(Path(str(m.__file__)).parents[1]) for m in (jinja2, markupsafe)}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), *sorted(folders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the parent's matter
        )
        return self._process


def _exchange(process: subprocess.Popen[bytes], asked: bytes) -> dict[str, Any] | None:
    """One question and its answer; None where the process ended."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(struct.pack("<I", len(asked)) + asked)
        process.stdin.flush()
        head = process.stdout.read(4)
        size = struct.unpack("<I", head)[0] if len(head) == 4 else 0
        found = json.loads(process.stdout.read(size)) if 0 < size <= _MOST_BYTES else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    process.kill()  # a garbled answer does not end it
    code = process.wait()
    if -code == getattr(signal, "SIGXCPU", None):
        return f"takes longer than {template_child.CPU_S} s of a processor"
    # Windows: one that is ended so has code 1, which elsewhere is that of an error inside.
    if -code == getattr(signal, "SIGKILL", None) or (sys.platform == "win32" and code == 1):
        return f"did not end within {WALL_S:g} s, or was killed"
    return f"ended the process that renders it (code {code})"
