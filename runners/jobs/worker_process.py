"""The worker seen from the parent: spawn it, ask it, wait blocked, and know how it died."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from evals.errors import RuntimeFailure
from runners.compute.limits import Held, Limit
from runners.measure.processes import process_tree
from runners.runtimes.table import find_runtime
from runners.worker import protocol, wire
from runners.worker.child_environment import child_environment
from runners.worker.family import listed_tree
from runners.worker.last_words import last_words, signal_name

AnswerT = TypeVar("AnswerT")
OnProgress = Callable[[int], None]
EXIT_WAIT_S = 10.0
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that tell BLAS and OpenMP how many threads the job may use."""
STDERR_BYTES = 64 * 1024
"""Bytes of the end of stderr that are searched for the reason: a backtrace is a few KiB."""


class WorkerCrash(RuntimeFailure):
    """The worker died, hung or had a bug; `traceback` is its own, where it had time for one."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class WorkerProcess:
    """One child process. Every wait is on a pipe: the parent takes no time from the worker."""

    def __init__(
        self,
        runtime: str,
        *,
        threads: int,
        timeout_s: float,
        within_s: float | None = None,
        limit: Limit | None = None,
        starts_program: bool = False,
    ) -> None:
        """Nothing is started yet.

        Args:
            runtime: its name.
            threads: for the libraries of the child.
            timeout_s: how long it may say nothing.
            within_s: how long it may take in all; None: as long as it answers.
            limit: what it is held to.
            starts_program: True: the limit is for the program that the runtime starts, whose
                figures are wanted, and the worker beside it is not in its groups.
        """
        self._runtime, self._threads, self._timeout_s = find_runtime(runtime), threads, timeout_s
        self._root_pid: int | None = None
        self._within_s = math.inf if within_s is None else within_s
        self._started_s = time.perf_counter()
        self._limit = limit or Limit(held=Held())
        self._starts_program = starts_program
        self._inbox: queue.SimpleQueue[protocol.Message | Exception | None] = queue.SimpleQueue()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._ended = False
        self.ready_s = 0.0
        """Seconds from spawning to the `Ready` message."""
        self.ready: protocol.Ready
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        started = self._started_s = time.perf_counter()
        # -P: a folder called runners/ in the user's working directory is not ours.
        runtime = self._runtime
        command = [sys.executable, "-P", "-m", "runners.worker", runtime.name, runtime.code]
        with self._limit.affinity():
            self._process = subprocess.Popen(
                command if self._starts_program else self._limit.command(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=child_environment(**dict.fromkeys(THREADS, str(self._threads))),
                # Ctrl-C goes to the parent alone, which then ends the worker in good order.
                start_new_session=True,
            )
        threading.Thread(target=self._read, name="worker-pipe", daemon=True).start()
        try:
            self.ready = self._wait(protocol.Ready, None)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.ready_s = time.perf_counter() - started
        if self.ready.protocol != protocol.VERSION:
            self.kill()
            raise WorkerCrash(
                f"the worker speaks protocol {self.ready.protocol}, this is {protocol.VERSION}: "
                "two versions of weighin are installed over each other; reinstall"
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._stderr.close()

    @property
    def pid(self) -> int:
        """The root of the process tree to measure."""
        return self._process.pid if self._root_pid is None else self._root_pid

    def ask(
        self, question: protocol.Message, answer: type[AnswerT], progress: OnProgress | None = None
    ) -> AnswerT:
        """Send one question and wait for its answer.

        Raises:
            RuntimeFailure: the worker refused, in its own words.
            WorkerCrash: it died, sent nothing for `timeout_s`, or had a bug.
        """
        if self._ended:
            raise WorkerCrash("the worker has ended")
        # From a thread: a worker that does not read would block the parent for ever.
        threading.Thread(target=self._send, args=(question,), daemon=True).start()
        return self._wait(answer, progress)

    def measure(self, root_pid: int) -> None:
        """Take a process that the runtime started as the root of what is measured.

        Raises:
            RuntimeFailure: it is none of the worker's descendants, so that it may be anybody's.
        """
        if root_pid not in process_tree(self._process.pid)[1:]:
            raise RuntimeFailure(
                f"runtime {self._runtime.name} names process {root_pid} to be measured, which is "
                "none that it started, or is gone: it may not daemonise"
            )
        self._root_pid = root_pid

    def limited(self, program: Sequence[str]) -> list[str]:
        """The command that starts the runtime's program inside the limit."""
        return self._limit.command(program) if self._starts_program else list(program)

    def close(self) -> protocol.Closed:
        """Let the worker free its memory and end by itself."""
        closed = self.ask(protocol.Close(), protocol.Closed)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is ended on leaving the context
            self._process.wait(timeout=EXIT_WAIT_S)
        return closed

    def kill(self) -> None:
        """End the worker and whatever it started, now."""
        self._ended = True
        if self._process.poll() is None:
            started = listed_tree(self._process.pid) or ()
            _kill_group(self._process)
            _kill_each(started[1:])  # a server has a group of its own
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close_quietly(pipe)

    def _send(self, question: protocol.Message) -> None:
        # When the worker is gone, what `_wait` finds on its pipe says how.
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                wire.send(self._process.stdin, question)

    def _read(self) -> None:
        pipe = self._process.stdout
        if pipe is None:
            return
        try:
            while (message := wire.receive(pipe)) is not None:
                self._inbox.put(message)
            self._inbox.put(None)
        except (wire.WireError, OSError, ValueError) as error:
            self._inbox.put(error)

    def _wait(self, answer: type[AnswerT], progress: OnProgress | None) -> AnswerT:
        while True:
            try:
                left_s = self._started_s + self._within_s - time.perf_counter()
                message = self._inbox.get(timeout=max(0.0, min(self._timeout_s, left_s)))
            except queue.Empty:
                self.kill()
                late = (
                    f"was not done after {self._within_s:g} s"
                    if left_s < self._timeout_s
                    else f"said nothing for {self._timeout_s:g} s"
                )
                raise WorkerCrash(
                    f"the worker {late} and was ended (--timeout sets how long to wait)"
                ) from None
            if isinstance(message, answer):
                return message
            self._handle(message, progress)

    def _handle(self, message: Any, progress: OnProgress | None) -> None:
        match message:
            case protocol.Progress():
                if progress is not None:
                    progress(message.done)
            case protocol.Failed(missing=missing) if missing in self._runtime.modules:
                raise RuntimeFailure(self._runtime.missing or message.message)
            case protocol.Failed(expected=True):
                raise RuntimeFailure(message.message)
            case protocol.Failed():
                raise WorkerCrash(f"a bug in the worker: {message.message}", message.traceback)
            case None:
                self._ended = True
                raise WorkerCrash(self._how_it_died())
            case Exception():
                self.kill()
                raise WorkerCrash(f"the worker's pipe carried garbage: {message}")
            case _:
                self.kill()
                raise WorkerCrash(f"the worker sent {type(message).__name__} out of turn")

    def _how_it_died(self) -> str:
        try:
            code = self._process.wait(timeout=EXIT_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return "the worker closed its pipe and did not end"
        tail = self._stderr_tail()
        said = f"; it said: {tail}" if tail else ""
        if code >= 0:
            return f"the worker ended with exit code {code}{said}"
        name = signal_name(-code)
        return f"the worker was ended by {name}{_ADVICE.get(name, '')}{said}"

    def _stderr_tail(self) -> str:
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - STDERR_BYTES))
        return last_words(self._stderr.read().decode("utf-8", "replace"))


_ADVICE = {
    "SIGKILL": " (the system may have been out of memory)",
    "SIGILL": " (illegal instruction)",
}


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


def _kill_each(pids: Sequence[int]) -> None:
    if sys.platform == "win32":
        return
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _close_quietly(pipe: Any) -> None:
    with contextlib.suppress(OSError):  # what was still unsent has nobody to go to
        pipe.close()
