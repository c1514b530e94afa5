"""A server that sends the bytes that a test wrote, and keeps those that it was sent."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runners.endpoint.address import Address, read_address


@dataclass
class RawServer:
    """Answers in order; each is the pieces of one response, written one at a time. An empty one at
    its end closes the connection."""

    answers: Sequence[Sequence[bytes]]
    keeps_open: bool = True
    """False: the connection is closed after each answer."""
    hangs: bool = False
    """True: the last answer's connection stays open until the test ends."""
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    scheme: str = "http"
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> Address:
        return read_address(f"{self.scheme}://127.0.0.1:{self.port}")

    def run(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        left = iter(self.answers)
        with contextlib.suppress(StopIteration, OSError):
            answer = next(left)
            while True:
                peer, _ = listener.accept()
                self.connections += 1
                with (
                    contextlib.suppress(OSError),
                    peer,
                    context.wrap_socket(peer, server_side=True) if context else peer as secure,
                ):
                    while request := _request(secure):
                        self.asked.append(request)
                        for piece in answer:
                            secure.sendall(piece)
                        closes = not self.keeps_open or b"" in answer[-1:]
                        answer = next(left, ())
                        if not answer and self.hangs:
                            self.over.wait()
                        if closes or not answer:
                            break


def _request(peer: socket.socket) -> bytes:
    """One request with its body; empty where the client has closed the connection."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = peer.recv(65536)
        if not piece:
            return b""
        got += piece
        if got[:1] == b"\x16":  # TLS, to a server without it
            return got
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < size:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server(
    *answers: Sequence[bytes],
    keeps_open: bool = True,
    hangs: bool = False,
    context: ssl.SSLContext | None = None,
) -> Iterator[RawServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(answers, keeps_open=keeps_open, hangs=hangs)
        server.port = listener.getsockname()[1]
        server.scheme = "https" if context else "http"
        thread = threading.Thread(target=server.run, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def whole(body: bytes, *, status: str = "200 OK", headers: str = "") -> list[bytes]:
    """A response with a length."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return [head.encode() + body]


def chunked(*pieces: bytes, ends: bool = True) -> list[bytes]:
    """A response in chunks, each written by itself."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces]
    return [head, *chunks, *([b"0\r\n\r\n"] if ends else [])]
