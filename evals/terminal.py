"""Text on its way to a terminal.

Names, messages and prompts come from files of anybody. Written as they are, an escape sequence in
one moves the cursor, sets the window's title or fills the clipboard, and a bidirectional control
shows another name than the one that is there.
"""

from __future__ import annotations

import io
import sys
import textwrap
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

LAYOUT = "\n\t"
"""Control characters that our own text may contain."""


def printable(text: str, keep: str = "") -> str:
    """Text with the replacement character for whatever steers a terminal or is not seen.

    Args:
        keep: control characters to leave as they are.
    """
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)


def _is_seen(character: str) -> bool:
    # Python calls no space but U+0020 printable; the others take room and steer nothing.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """Lines of at most this width where no word is longer; a longer word has its own line."""
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


class Guarded:
    """A text stream in front of another: it writes nothing but printable text and its layout."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.buffer = _Bytes(self)

    def write(self, text: str) -> int:
        """Write, without what would steer a terminal."""
        return self.stream.write(printable(text, LAYOUT))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one text after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Bytes:
    """Binary stream for libraries that write bytes, such as click's completions: UTF-8."""

    def __init__(self, text: Guarded) -> None:
        self._text = text

    def write(self, data: bytes) -> int:
        """Write them as text."""
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._text, name)


def guard_streams() -> None:
    """Let standard output and error write nothing that steers a terminal, whoever writes there."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # A stream is missing where the process was started without it.
        if stream is None or isinstance(stream, Guarded):
            continue
        if isinstance(stream, io.TextIOWrapper):
            # A file name that is no text, or a terminal that knows ASCII only, must not end a run.
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, Guarded(stream))


def unguarded(stream: TextIO | Guarded) -> TextIO:
    """The stream itself, for who draws on a terminal and cleans each text from elsewhere first."""
    return stream.stream if isinstance(stream, Guarded) else stream
