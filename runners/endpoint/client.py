"""An HTTP client on the standard library for the measured child: one server, one kept connection.

The clock of a timed request starts on an open connection, right before its first byte is sent, and
starts anew with every try: waits between tries are counted in `Tally`, never inside a time.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from runners.endpoint.address import Address
from runners.endpoint.events import DONE, Event, JsonLinesReader, SseReader, json_object
from runners.endpoint.faults import PASSING, EndpointError
from runners.endpoint.transport import (
    Body,
    Patience,
    is_readable,
    named_fault,
    open_connection,
)
from runners.endpoint.words import plain, said_by, without

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a failed request is sent again, and how long is waited before."""

    times: int = 4
    first_wait_s: float = 1.0
    """Doubled with each try."""
    most_wait_s: float = 60.0
    """A server that asks for more (Retry-After) is not asked again."""

    def wait_s(self, tried: int, asked_s: float | None) -> float:
        """Seconds to wait after `tried` failed tries, at least those that the server asks for."""
        backed_off: float = min(self.first_wait_s * 2.0 ** (tried - 1), self.most_wait_s)
        return max(backed_off, asked_s or 0.0)


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of all that a client sent."""

    requests: int = 0
    """Requests that were answered in the end, or given up."""
    retries: int = 0
    waited_s: float = 0.0
    """Seconds between tries."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """How often each named outcome was met, also where another try was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """All events of one streamed answer, each with the moment when it arrived."""

    started_ns: int
    """`time.perf_counter_ns` right before the first byte of the request was sent."""
    arrived: list[tuple[float, Event]]
    """Seconds after that moment, and the event. Events of one network read share a moment."""
    done: bool
    """True: its last event was `[DONE]`."""


class Client:
    """One server, asked one thing at a time."""

    def __init__(
        self,
        address: Address,
        *,
        key: str = "",
        patience: Patience | None = None,
        retries: Retries | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connects with the first request.

        Args:
            address: where the server listens; paths of requests are appended to its own.
            key: sent as a bearer token, and cut out of every text that comes back.
            patience: limits of time and size.
            retries: how often a request is sent again.
            wait: waits between tries.

        Raises:
            EndpointError: the key cannot be sent in a header; its text is not shown.
        """
        self.address, self.tally = address, Tally()
        self.retries, self.patience = retries or Retries(), patience or Patience()
        self._key, self._wait = key.strip(), wait
        if not all(32 < ord(letter) < 127 for letter in self._key):
            raise EndpointError(
                "not authorised", "the key has a space or a letter in it that no header can carry"
            )
        self._headers = {"Content-Type": "application/json", "User-Agent": "weighin"}
        if self._key:
            self._headers["Authorization"] = f"Bearer {self._key}"
        self._connection: http.client.HTTPConnection | None = None
        self._answering = False
        """True once the headers of an answer to the last request were there."""

    def get(self, path: str) -> dict[str, Any]:
        """Fetch a JSON object; see `post`."""
        return self._tried("GET", path, lambda: self._object(self._whole("GET", path, None)))

    def text(self, path: str) -> str:
        """Fetch a text, e.g. Prometheus' metrics; see `post`."""
        return self._tried(
            "GET", path, lambda: self._whole("GET", path, None).decode("utf-8", "replace")
        )

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a JSON object, and read one.

        Raises:
            EndpointError: no try was answered; its outcome is that of the last.
        """
        raw = json.dumps(body).encode()
        return self._tried("POST", path, lambda: self._object(self._whole("POST", path, raw)))

    def stream(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[Streamed], T],
        *,
        stop: Callable[[Event], bool] | None = None,
        json_lines: bool = False,
    ) -> T:
        """Send a JSON object, and read a streamed answer to its end.

        Args:
            path: appended to the address's.
            body: what is sent; None: the request is a GET.
            read: makes of the events what is wanted; where it raises an outcome that passes, the
                request is sent again. It runs when all events are there, so it takes no time of
                theirs.
            stop: True for an event after which nothing more is wanted; it must be quick, since it
                runs before the next event is stamped.
            json_lines: one JSON object a line instead of server-sent events.

        Raises:
            EndpointError: no try was answered whole; its outcome is that of the last.
        """
        method = "GET" if body is None else "POST"
        raw = None if body is None else json.dumps(body).encode()

        def once() -> T:
            reader = JsonLinesReader() if json_lines else SseReader()
            return read(self._events(method, path, raw, reader, stop))

        return self._tried(method, path, once)

    def hidden(self, text: str) -> str:
        """A text without the key, should the server have sent it back."""
        return without(text, self._key)

    def connect(self) -> bool:
        """Open the connection, also where the server closed it after the request before.

        Returns:
            True where it is one that was open already: the server may be about to close it.

        Raises:
            OSError: it cannot be opened.
        """
        kept = self._connection
        if kept is not None and kept.sock is not None:
            # Nothing may arrive between two requests: what can be read is the connection's end.
            if not is_readable(kept.sock):
                return True
            self.close()
        self._connection = open_connection(self.address, self.patience)
        return False

    def another(self) -> Client:
        """A client of the same server with a connection of its own, which sends nothing again."""
        return Client(self.address, key=self._key, patience=self.patience, retries=Retries(times=0))

    def hang_up(self) -> None:
        """Break off the request under way, from another thread than the one that asks."""
        connection = self._connection
        link = connection.sock if connection is not None else None
        if link is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _tried(self, method: str, path: str, once: Callable[[], T]) -> T:
        """Try until it is answered, tries are used up, or another would not help."""
        self.tally.requests += 1
        tried, kept = 0, False
        while True:
            tried += 1
            try:
                self._answering, kept = False, self.connect()
                return once()
            except (OSError, http.client.HTTPException, EndpointError) as error:
                self.close()
                if kept and not self._answering and isinstance(error, ConnectionError):
                    # Closed meanwhile, as llama-server does after a stream: no failed try.
                    tried, kept = tried - 1, False
                    continue
                fault = self._named(error, f"{method} {self.address.text}{path}")
            met = self.tally.outcomes
            met[fault.outcome] = met.get(fault.outcome, 0) + 1
            wait_s = self.retries.wait_s(tried, fault.retry_after_s)
            too_long = wait_s > self.retries.most_wait_s
            if tried > self.retries.times or too_long or fault.outcome not in PASSING:
                raise fault
            self.tally.retries += 1
            self.tally.waited_s += wait_s
            self._wait(wait_s)

    def _sent(self, method: str, path: str, raw: bytes | None) -> Body:
        """Send a request on the open connection, and wait for its answer's headers."""
        if self._connection is None:
            raise EndpointError("connection lost", "no connection is open")
        deadline = time.monotonic() + self.patience.whole_s
        self._connection.sock.settimeout(self.patience.silence_s)
        self._connection.request(method, self.address.path + path, raw, self._headers)
        body = Body(self._connection, self.patience, deadline)
        self._answering = True
        return body

    def _whole(self, method: str, path: str, raw: bytes | None) -> bytes:
        body = self._sent(method, path, raw)
        whole = b"".join(body.pieces())
        return whole.replace(self._key.encode(), b"***") if self._key else whole

    def _events(
        self,
        method: str,
        path: str,
        raw: bytes | None,
        reader: SseReader | JsonLinesReader,
        stop: Callable[[Event], bool] | None,
    ) -> Streamed:
        started_ns = time.perf_counter_ns()
        body = self._sent(method, path, raw)
        arrived: list[tuple[float, Event]] = []
        done = stopped = False
        for piece in body.pieces():
            now_s = (time.perf_counter_ns() - started_ns) / 1e9
            events = reader.feed(piece)
            arrived.extend((now_s, event) for event in events)
            done = any(event.data == DONE for event in events)
            stopped = stop is not None and any(map(stop, events))
            if done or stopped:
                break
        else:
            now_s = (time.perf_counter_ns() - started_ns) / 1e9
            arrived.extend((now_s, event) for event in reader.end())
        if stopped or (done and not body.is_read()):
            self.close()
        return self._streamed(started_ns, arrived)

    def _streamed(self, started_ns: int, arrived: list[tuple[float, Event]]) -> Streamed:
        kept = [
            (at_s, Event(without(event.data, self._key), event.name))
            for at_s, event in arrived
            if event.data != DONE
        ]
        return Streamed(started_ns=started_ns, arrived=kept, done=len(kept) < len(arrived))

    def _object(self, raw: bytes) -> dict[str, Any]:
        found = json_object(raw.decode("utf-8", "replace"))
        if found.get("error"):
            raise EndpointError("error in the answer", f"error in the answer: {said_by(raw)}")
        return found

    def _named(self, error: Exception, where: str) -> EndpointError:
        fault = error if isinstance(error, EndpointError) else named_fault(error, self.patience)
        return EndpointError(
            fault.outcome,
            plain(f"{where}: {fault}", secret=self._key),
            status=fault.status,
            retry_after_s=fault.retry_after_s,
        )
