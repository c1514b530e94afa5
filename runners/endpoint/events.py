"""Events of a streamed answer: server-sent events, or one JSON object a line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from runners.endpoint.faults import EndpointError

DONE = "[DONE]"
"""Data of the event that ends a stream of OpenAI's dialect."""
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its data, and its name where the server gives it one."""

    data: str
    name: str = ""


class SseReader:
    """Server-sent events out of bytes that come in any pieces (HTML standard, section 9.2).

    Comments (lines that begin with `:`, which servers send to keep a connection open) and events
    without data are skipped.
    """

    def __init__(self) -> None:
        self._lines = _Lines()
        self._data: list[str] = []
        self._name = ""

    def feed(self, piece: bytes) -> list[Event]:
        """The events that end within this piece."""
        return [event for line in self._lines.feed(piece) for event in self._line(line)]

    def end(self) -> list[Event]:
        """The last event, where the server left out the empty line after it."""
        rest = [event for line in self._lines.end() for event in self._line(line)]
        return [*rest, *self._dispatch()]

    def _line(self, line: str) -> list[Event]:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return []

    def _dispatch(self) -> list[Event]:
        found = [Event("\n".join(self._data), self._name)] if self._data else []
        self._data, self._name = [], ""
        return found


class JsonLinesReader:
    """One event a line that is not empty, as Ollama streams."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, piece: bytes) -> list[Event]:
        """The events that end within this piece."""
        return [Event(line) for line in self._lines.feed(piece) if line.strip()]

    def end(self) -> list[Event]:
        """The last event, where no line end follows it."""
        return [Event(line) for line in self._lines.end() if line.strip()]


class _Lines:
    """Whole lines out of bytes that may be cut within a character or between CR and LF."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def feed(self, piece: bytes) -> list[str]:
        held = self._rest + piece
        # A CR at the end may be the half of a CR LF.
        whole, tail = (held[:-1], held[-1:]) if held.endswith(b"\r") else (held, b"")
        *lines, rest = _LINE_END.split(whole)
        self._rest = rest + tail
        return [self._text(line) for line in lines]

    def end(self) -> list[str]:
        rest, self._rest = self._rest.removesuffix(b"\r"), b""
        return [self._text(rest)] if rest else []

    def _text(self, line: bytes) -> str:
        if not self._begun:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._begun = True
        return line.decode("utf-8", "replace")


def json_object(text: str) -> dict[str, Any]:
    """A JSON object out of its text.

    Raises:
        EndpointError: `invalid JSON`.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EndpointError("invalid JSON", f"invalid JSON: {text[:80]!r}") from error
    if not isinstance(found, dict):
        raise EndpointError("invalid JSON", f"no JSON object: {text[:80]!r}")
    return found
