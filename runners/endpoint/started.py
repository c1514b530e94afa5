"""A server that this process starts, waits for, watches and ends, with all that it starts itself.

Every way in which that fails is a `WorkerError` with the server's last words. No process is left:
`Sweeper` ends them also where this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runners.endpoint.listening import listening
from runners.endpoint.sweeper import MARK, Sweeper
from runners.worker.family import listed_tree
from runners.worker.last_words import last_words, signal_name
from runners.worker.runtime import WorkerError

POLL_S = 0.005
"""Time between two looks at a server that is starting: the error of its cold start."""
STOP_WAIT_S, SETTLE_S = 5.0, 1.0
OUTPUT_BYTES = 2**20
WORDS_BYTES = 64 * 1024
"""Bytes of the end of a server's output that are searched for the reason."""


class StartedServer:
    """A running server, the root of the process tree that is measured."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        port: int,
        environment: Mapping[str, str | None] | None = None,
        folder: str | None = None,
        name: str = "",
    ) -> None:
        """Start it; nothing is waited for.

        Args:
            argv: its command, with the port written out.
            port: where it will listen, e.g. one of `listening.free_port`.
            environment: variables beside those of this process; None takes one away.
            folder: its working directory; None: this process's.
            name: for messages; default: the program's.

        Raises:
            WorkerError: it cannot be started.
        """
        self.port = port
        self._name = name or Path(argv[0]).name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed in stop
        self._sweeper = None if sys.platform == "win32" else Sweeper()
        changed = {**os.environ, **(environment or {})}
        if self._sweeper:
            changed[MARK] = self._sweeper.mark
        self.started_ns = time.perf_counter_ns()
        """The clock that a cold start is counted from."""
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in changed.items() if value is not None},
                cwd=folder,
                # Of its own, so that it is ended as a whole, and nobody else with it.
                process_group=None if sys.platform == "win32" else 0,
            )
        except OSError as error:
            self._let_go()
            raise WorkerError(f"{argv[0]} cannot be started: {error.strerror or error}") from error
        if self._sweeper:
            self._sweeper.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def wait_until(self, answers: Callable[[], bool], *, timeout_s: float) -> None:
        """Wait until the server is ready, by what it says itself.

        Args:
            answers: asks it once, quickly; False while it refuses connections or is loading.
            timeout_s: how long it may take.

        Raises:
            WorkerError: it ended, went into the background, another server has its port, or it was
                not ready in time.
        """
        until = time.monotonic() + timeout_s
        while True:
            self.check()
            # Its port before its answer: another server may answer there, and say that it is ready.
            if self._listens() and answers():
                break
            if time.monotonic() > until:
                heard = "listens" if self._listens() else "does not listen"
                raise WorkerError(
                    f"{self._name} was not ready after {timeout_s:g} s: it {heard} on port "
                    f"{self.port}{self._said()}"
                )
            time.sleep(POLL_S)
        self.check()

    def settle(self) -> None:
        """Give a server whose connection broke a moment to be seen as ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SETTLE_S)

    def check(self) -> None:
        """See that the server lives, and that all of it can be measured.

        Raises:
            WorkerError: it has ended, or a part of it has left its process tree.
        """
        code = self._process.poll()
        escaped = [] if code else self._escaped()
        if escaped:
            raise WorkerError(
                f"{self._name} went into the background (it daemonises): process {escaped[0]} is "
                "not below the one that was started, so its memory would be missing; have it stay "
                f"in the foreground{self._said()}"
            )
        if code is not None:
            how = f"with exit code {code}" if code >= 0 else f"by {signal_name(-code)}"
            raise WorkerError(f"{self._name} ended {how}{self._said()}")

    def stop(self) -> None:
        """Ask the server to end, and end whatever is still there after five seconds."""
        with contextlib.suppress(OSError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_WAIT_S)
        self._end_rest()

    def output(self) -> str:
        """The beginning of its output, at most `OUTPUT_BYTES`; empty on Windows."""
        if sys.platform == "win32":
            return ""
        # Not read, which would move the place that the server writes to.
        return os.pread(self._output.fileno(), OUTPUT_BYTES, 0).decode("utf-8", "replace")

    def last_words(self) -> str:
        """The line of its output that says why; empty where it said nothing."""
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - WORDS_BYTES))
        return last_words(self._output.read().decode("utf-8", "replace"))

    def _end_rest(self) -> None:
        """End what is left of it, children first."""
        left = self._marked()
        self._let_go()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if sys.platform == "win32":
            return
        for orphan in left:  # those that came to this process are its to bury
            with contextlib.suppress(OSError):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)

    def _let_go(self) -> None:
        if self._sweeper:
            self._sweeper.sweep()
        self._output.close()

    def _listens(self) -> bool:
        """True where the server has its port to itself; also where that cannot be seen.

        Raises:
            WorkerError: another server listens there, too.
        """
        found = listening(self.port, listed_tree(self.pid) or (self.pid,))
        if found is None:
            return True
        if found.others:
            raise WorkerError(
                f"port {self.port} is taken: another server than {self._name} listens there; "
                "try again, or stop that one"
            )
        return found.ours > 0

    def _escaped(self) -> list[int]:
        """Processes of the server that are not below the one that was started."""
        marked = self._marked()
        # After it: what the server starts meanwhile is below it, and is not among the marked.
        below = listed_tree(self.pid) or (self.pid,)
        found = [pid for pid in marked if pid not in below]
        # What ended meanwhile is not below it either.
        return [pid for pid in found if pid in self._marked()] if found else []

    def _marked(self) -> list[int]:
        """Descendants of this process that carry the server's mark; a worker keeps its orphans."""
        if self._sweeper is None:
            return []
        marked = f"{MARK}={self._sweeper.mark}\0".encode()
        return [pid for pid in listed_tree(os.getpid()) or () if marked in _environment(pid)]

    def _said(self) -> str:
        words = self.last_words()
        return f"; it said: {words}" if words else ""


def filled(template: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """A command with each `{name}` that is known replaced by its value; other braces stay.

    Args:
        template: the command, an argument an entry.
        places: e.g. `{"port": "8123", "weights": "/models/a.gguf"}`.
    """
    if not places:
        return list(template)
    known = re.compile("|".join(re.escape(f"{{{name}}}") for name in places))
    return [known.sub(lambda found: places[found[0][1:-1]], part) for part in template]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    except OSError:
        return b""
