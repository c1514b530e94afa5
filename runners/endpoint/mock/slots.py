"""Slots of the mock server: so many completions at once, the others wait in line."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """A line before `n` slots, served in the order of arrival; 0: nobody waits."""

    def __init__(self, n: int) -> None:
        self._n, self._busy = n, 0
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self.most = 0
        """Most completions that were under way at once."""

    @contextmanager
    def taken(self) -> Iterator[float]:
        """A slot for one completion; the moment when it was free, by `time.perf_counter`."""
        turn = self._arrive()
        if turn is not None:
            turn.wait()
        try:
            yield time.perf_counter()
        finally:
            self._leave()

    def _arrive(self) -> threading.Event | None:
        """Take a slot, or a place in the line: its turn is an event."""
        with self._lock:
            if self._n and self._busy == self._n:
                turn = threading.Event()
                self._line.append(turn)
                return turn
            self._busy += 1
            self.most = max(self.most, self._busy)
        return None

    def _leave(self) -> None:
        """Hand the slot to the first in the line."""
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._busy -= 1
