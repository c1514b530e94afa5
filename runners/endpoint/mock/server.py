"""The mock server's HTTP: threads, keep-alive, chunks, and the faults that it is told to have."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from runners.endpoint.mock.answering import Mock, Request, Stream, Whole
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.routes import find_route

ELSEWHERE = "http://elsewhere.invalid/"
"""Where a request that meets the fault `redirect` is sent."""
_FILLING = b": the answer has no end\n\n"


class MockServer(http.server.ThreadingHTTPServer):
    """A mock server that listens as soon as it is made."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, options: MockOptions, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Takes a free port where none is given.

        Raises:
            OSError: the port is taken.
        """
        self.mock = Mock(options)
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Address of its root."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid-answer is nothing to tell of."""


@contextlib.contextmanager
def mock_server(options: MockOptions | None = None) -> Iterator[MockServer]:
    """A mock server in threads of this process, for tests."""
    server = MockServer(options or MockOptions())
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.mock.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "weighin-mock"
    disable_nagle_algorithm = True
    server: MockServer

    def do_GET(self) -> None:  # http.server's name
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        read_s = time.perf_counter()
        mock = self.server.mock
        key = mock.options.key
        if key and self.headers.get("Authorization") != f"Bearer {key}":
            self._send(_error(401, "missing or wrong key"), read_s)
            return
        path, _, query = self.path.partition("?")
        route = find_route(mock.options.speaks, method, path)
        if route is None:
            self._send(_error(404, f"no path {path}"), read_s)
            return
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            self._send(_error(400, "the body is no JSON"), read_s)
            return
        request = Request(method=method, path=path, query=query, body=body)
        try:
            response = route.answer(mock, request)
        except (KeyError, TypeError, ValueError) as error:
            response = _error(400, f"cannot be answered: {error}")
        if not route.completes:
            self._meet("ok", response, read_s)
            return
        with mock.slots.taken() as free_s:
            self._meet(mock.next_fault(), response, free_s)

    def _meet(self, fault: str, response: Whole | Stream, read_s: float) -> None:
        """Send a response, or what a fault makes of it."""
        if fault == "ok":
            self._send(response, read_s)
        elif fault[0].isdigit():
            status, _, retry_after = fault.partition("/")
            headers = {"Retry-After": retry_after} if retry_after else {}
            self._send(_error(int(status), f"told to fail with {status}"), read_s, headers)
        elif fault == "redirect":
            self._send(Whole(body="", status=307), read_s, {"Location": ELSEWHERE})
        elif fault in ("reset", "hang"):
            if fault == "hang":
                self.server.mock.stopping.wait()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(response, Stream):
            self._spoil_stream(fault, response, read_s)
        else:
            self._spoil_whole(fault, response, read_s)

    def _send(
        self, response: Whole | Stream, read_s: float, headers: dict[str, str] | None = None
    ) -> None:
        if isinstance(response, Stream):
            self._begin_stream(response)
            frames = response.frames
            if self.server.mock.options.buffered and frames:
                frames = [(frames[-1][0], b"".join(raw for _, raw in frames))]
            for due_s, raw in frames:
                self._chunk(raw, read_s + due_s)
            self.wfile.write(b"0\r\n\r\n")
            return
        self._wait(read_s + response.due_s)
        self._whole(response.status, response.raw, headers or {})

    def _spoil_whole(self, fault: str, response: Whole, read_s: float) -> None:
        self._wait(read_s + response.due_s)
        raw = response.raw
        if fault == "invalid":
            self._whole(200, raw[: len(raw) // 2], {})
        elif fault == "empty":
            self._whole(200, b"{}", {})
        elif fault == "error":
            self._whole(200, _error(500, "told to fail").raw, {})
        else:  # cut, stall, endless
            self._whole(200, raw[: len(raw) // 2], {}, length=len(raw))
            self._leave(fault)

    def _spoil_stream(self, fault: str, response: Stream, read_s: float) -> None:
        """The first half of a stream, and then the fault."""
        self._begin_stream(response)
        half = response.frames[: len(response.frames) // 2]
        for due_s, raw in half if fault != "empty" else ():
            self._chunk(raw, read_s + due_s)
        lines = "json" in response.content_type
        spoilt = {"invalid": b"{broken", "error": json.dumps({"error": "told to fail"}).encode()}
        if fault in spoilt:
            raw = spoilt[fault]
            self._chunk(raw + b"\n" if lines else b"data: " + raw + b"\n\n", read_s)
        while fault == "endless" and not self.server.mock.stopping.wait(0.001):
            self._chunk(b"\n" if lines else _FILLING, read_s)
        if fault in ("cut", "stall", "endless"):
            self._leave(fault)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _leave(self, fault: str) -> None:
        """Close in the middle, or wait there until the server is stopped."""
        if fault != "cut":
            self.server.mock.stopping.wait()
        self.close_connection = True

    def _whole(
        self, status: int, raw: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def _begin_stream(self, response: Stream) -> None:
        self.send_response(200)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, raw: bytes, due_s: float) -> None:
        self._wait(due_s)
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    def _wait(self, due_s: float) -> None:
        left_s = due_s - time.perf_counter()
        if left_s > 0:
            self.server.mock.stopping.wait(left_s)


def _error(status: int, message: str) -> Whole:
    return Whole(body={"error": {"message": message, "code": status}}, status=status)
