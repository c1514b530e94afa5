"""Keep several users of one server busy, and time each of their requests.

A closed loop, as vLLM's `bench serve --max-concurrency` and GuideLLM's `concurrent` have it: a
thread and a connection a user, who sends the next request when the last was answered. The clock,
the prompts and what a request is are those of one user (`timing.py`).
"""

from __future__ import annotations

import random
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from runners.endpoint.answer import Answer
from runners.endpoint.faults import PASSING, EndpointError
from runners.endpoint.served import Served
from runners.endpoint.timing import Prompts, ask_timed, request_times
from runners.endpoint.window import Sent, Window
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

LOOK_S = 0.02
"""Time between two looks whether the window has ended."""
BEAT_S = 0.01
"""Time between two beats of the timer that tells how late the client's stamps may be."""
SWITCH_S = 0.0005
"""Longest wait of a thread that has an event to stamp for one that reads an earlier answer;
Python's own is ten times that."""
PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Wait after a request that failed, unless the server asks for a longer one."""


class Crowd:
    """So many users of one server; `run` has them ask."""

    def __init__(
        self, served: Served, prompts: Prompts, message: protocol.RunUsers, *,
        pause_s: float = PAUSE_S,
    ) -> None:  # fmt: skip
        """Nothing is asked yet.

        Args:
            served: the server; each user gets a client of his own.
            prompts: of its tokens.
            message: users, window, workloads.
            pause_s: wait after a request that failed.
        """
        self._prompts, self._message, self._pause_s = prompts, message, pause_s
        self._served = [
            replace(served, client=served.client.another()) for _ in range(message.users)
        ]
        self._window = Window(users=message.users, seconds=message.seconds)
        self._changed, self._stopping = threading.Condition(), threading.Event()
        self._broken: BaseException | None = None
        self._salt = secrets.token_hex(6)
        self._cpu_s: list[float] = []
        self._late: list[float] = []

    def run(self, progress: OnProgress) -> protocol.UsersTimes:
        """Ask until every request that counts has ended; then break off what is under way.

        Raises:
            EndpointError: a request failed in a way that the next would, too.
            WorkerError: the system gives no more threads.
        """
        for prompt_tokens, _ in self._message.workloads:
            self._prompts.ready(prompt_tokens)
        alone_s = self._alone()
        threads = [
            threading.Thread(
                target=self._user, args=(user, alone_s * user / self._message.users), daemon=True
            )
            for user in range(self._message.users)
        ]
        threads.append(threading.Thread(target=self._beat, daemon=True))
        with _switching_fast():
            try:
                start_all(threads)
                self._watch(progress)
            finally:
                self._stop(threads)
        if self._broken is not None:
            raise self._broken
        return self._found()

    def _alone(self) -> float:
        """Seconds of the longest request by itself; the users' beginnings are spread over them.

        Returns:
            0 where it failed in passing: then they begin together.

        Raises:
            EndpointError: the next would fail, too.
        """
        longest = max(self._message.workloads)
        draw = random.Random(f"{self._salt}/alone")  # noqa: S311  # no secret
        prompt = self._prompts.fresh(longest[0], draw)
        try:
            return ask_timed(self._served[0], prompt, longest[1]).end_s
        except EndpointError as fault:
            if fault.outcome not in PASSING:
                raise
            return 0.0

    def _watch(self, progress: OnProgress) -> None:
        """Wait for the window's end, and tell of each second in which a request ended."""
        window, told = self._window, 0
        while True:
            with self._changed:
                self._changed.wait(LOOK_S)
                now_s = time.perf_counter()
                window.look(now_s)
                if window.ended_s == now_s:
                    self._cpu_s.append(time.process_time())
                if window.over or self._broken is not None:
                    return
                begun, done = window.begun_s, window.done
            if done > told:
                told = done
                progress(0 if begun is None else int(now_s - begun))

    def _user(self, user: int, wait_s: float) -> None:
        """One user's requests, one after the other."""
        message = self._message
        order = random.Random(f"{message.seed}/{message.users}/{user}")  # noqa: S311  # no secret
        draw = random.Random(f"{self._salt}/{user}")  # noqa: S311
        round_of: list[int] = []
        self._stopping.wait(wait_s)
        try:
            while not self._stopping.is_set():
                if not round_of:
                    round_of = order.sample(range(len(message.workloads)), len(message.workloads))
                self._request(user, round_of.pop(), draw)
        except BaseException as error:  # noqa: BLE001  # raised again where the users were started
            if self._stopping.is_set():  # broken off, in whatever way: TLS meets it with any error
                return
            with self._changed:
                self._broken = self._broken or error
                self._changed.notify()

    def _request(self, user: int, workload: int, draw: random.Random) -> None:
        """Send one request, and note its end; after one that failed, wait.

        Raises:
            EndpointError: the next would fail, too.
        """
        prompt_tokens, new_tokens = self._message.workloads[workload]
        prompt = self._prompts.fresh(prompt_tokens, draw)
        with self._changed:
            request = self._window.send(user, workload, time.perf_counter())
        try:
            answer = ask_timed(self._served[user], prompt, new_tokens)
        except EndpointError as fault:
            if self._stopping.is_set():  # it was broken off
                return
            self._ended(request, fault=fault.outcome)
            if fault.outcome not in PASSING:
                raise
            asked_s = min(fault.retry_after_s or 0.0, LONGEST_PAUSE_S)
            self._stopping.wait(max(self._pause_s, asked_s))
            return
        self._ended(request, answer=answer)

    def _ended(self, request: Sent, *, answer: Answer | None = None, fault: str = "") -> None:
        with self._changed:
            window, before = self._window, self._window.begun_s
            window.end(request, time.perf_counter(), answer=answer, fault=fault)
            if before is None and window.begun_s is not None:
                self._cpu_s.append(time.process_time())
            self._changed.notify()

    def _beat(self) -> None:
        """A timer whose lateness during the window is what the users' stamps may have, too."""
        while not self._stopping.is_set():
            due_s = time.perf_counter() + BEAT_S
            time.sleep(BEAT_S)
            if self._window.begun_s is not None and self._window.ended_s is None:
                self._late.append(time.perf_counter() - due_s)

    def _stop(self, threads: list[threading.Thread]) -> None:
        """End every user: what is under way now counts nowhere."""
        self._stopping.set()
        for one in threads:
            while one.is_alive():
                for served in self._served:
                    served.client.hang_up()
                one.join(LOOK_S)
        for served in self._served:
            served.client.close()

    def _found(self) -> protocol.UsersTimes:
        window = self._window
        begun_s, ended_s = window.begun_s, window.ended_s
        if begun_s is None or ended_s is None:
            raise WorkerError("the users were stopped before they began")
        within = window.within
        cached = [one.answer.usage.cached_tokens for one in within if one.answer]
        known = [one for one in cached if one is not None]
        late = sorted(self._late)
        return protocol.UsersTimes(
            window_s=ended_s - begun_s,
            requests=[_reported(one, begun_s) for one in within],
            warmups=1 + sum(one.ended_s is not None and one.ended_s <= begun_s
                            for one in window.requests),
            held=sum(window.holds(one) for one in window.requests),
            client_cpus=(self._cpu_s[1] - self._cpu_s[0]) / (ended_s - begun_s),
            client_lag_s=late[int(0.95 * len(late))] if late else 0.0,
            cached_tokens=max(known) if known and len(known) == len(cached) else None,
        )  # fmt: skip


def start_all(threads: Sequence[threading.Thread]) -> None:
    """Start every thread.

    Raises:
        WorkerError: the system gives no more of them; those that were started run.
    """
    for started, one in enumerate(threads):
        try:
            one.start()
        except RuntimeError as error:
            raise WorkerError(
                f"{len(threads) - 1:,} users at once need as many threads, and this system gives "
                f"{started:,} ({error}): ask for fewer users, or raise its limit (ulimit -u)"
            ) from error


def _reported(request: Sent, begun_s: float) -> protocol.UserRequest:
    """A request with its moments counted from the window's beginning, to the microsecond."""
    answer = request.answer
    ended_s = request.sent_s if request.ended_s is None else request.ended_s
    times = None
    if answer is not None:
        exact = request_times(answer)
        times = replace(exact, token_s=[round(one, 6) for one in exact.token_s])
    return protocol.UserRequest(
        user=request.user,
        workload=request.workload,
        sent_s=request.sent_s - begun_s,
        ended_s=ended_s - begun_s,
        times=times,
        fault=request.fault,
    )


@contextmanager
def _switching_fast() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
