"""Find where a generation ends: stop strings and characters may span tokens."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class StopWatcher:
    """Collects the bytes of the tokens and says when a stop string is complete."""

    def __init__(self, until: Sequence[str]) -> None:
        self._until = [stop for stop in until if stop]
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._longest = max((len(stop) for stop in self._until), default=0)
        self._tail = ""

    def add(self, piece: bytes, *, hidden: str = "") -> bool:
        """Take one more token; True when a stop string is now complete.

        Args:
            piece: its bytes as shown; empty for a special token.
            hidden: its text, special or not; a stop string may name a special token.
        """
        if not piece and hidden in self._until:
            return True
        new = self._decoder.decode(piece)
        self._tail = (self._tail + new)[-(self._longest + len(new)) :]
        return bool(new) and any(stop in self._tail for stop in self._until)

    def cut(self, text: str) -> str:
        """A text up to each stop string in turn, as lm-eval cuts it."""
        for stop in self._until:
            text = text.split(stop)[0]
        return text
