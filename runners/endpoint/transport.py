"""Open a connection, read a body under limits of time and size, and name what went wrong."""

from __future__ import annotations

import http.client
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from runners.endpoint.address import Address
from runners.endpoint.faults import EndpointError, outcome_of_status
from runners.endpoint.words import said_by

_PIECE = 65_536
_MOST_ERROR_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits of one try."""

    connect_s: float = 10.0
    silence_s: float = 300.0
    """Longest wait for the first byte, and between two of an answer."""
    whole_s: float = 1800.0
    """From the first byte sent to the last received."""
    most_bytes: int = 64 * 1024 * 1024
    """Size of an answer's body."""
    after_last_s: float = 1.0
    """Wait for the body's end once a stream's last event was there; then the connection is cut."""


def open_connection(address: Address, patience: Patience) -> http.client.HTTPConnection:
    """A new connection, already open, with a timeout for each wait."""
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        import ssl

        connection = http.client.HTTPSConnection(
            address.host,
            address.port,
            timeout=patience.connect_s,
            context=ssl.create_default_context(),
        )
    else:
        connection = http.client.HTTPConnection(
            address.host, address.port, timeout=patience.connect_s
        )
    connection.connect()
    return connection


def is_readable(link: socket.socket) -> bool:
    """Return whether something arrived on a connection, or its end; without waiting."""
    # `select` refuses a descriptor from 1,024 on; Windows has no `poll`.
    kind = getattr(selectors, "PollSelector", selectors.SelectSelector)
    with kind() as watched:
        watched.register(link, selectors.EVENT_READ)
        return bool(watched.select(0))


class Body:
    """The body of one answer, piece by piece."""

    def __init__(
        self, connection: http.client.HTTPConnection, patience: Patience, deadline: float
    ) -> None:
        """Wait for status and headers of the request that was just sent.

        Args:
            connection: the one that it was sent on.
            patience: limits.
            deadline: by `time.monotonic`.

        Raises:
            EndpointError: the status is not 2xx.
            OSError, http.client.HTTPException: the connection failed; see `named_fault`.
        """
        self._patience, self._deadline = patience, deadline
        # http.client forgets its socket where the server closes after the answer.
        self._socket: socket.socket = connection.sock
        self._allow(patience.silence_s)
        self._response = connection.getresponse()
        self.status = self._response.status
        if not 200 <= self.status < 300:
            raise self._refusal()

    def pieces(self) -> Iterator[bytes]:
        """Whatever arrives, as it arrives, to the body's end.

        Raises:
            EndpointError: it stops in the middle, is cut short, or has no end.
        """
        size = 0
        while True:
            piece = self._next()
            if not piece:
                if self._response.length:
                    missing = self._response.length
                    raise EndpointError("body cut short", f"{missing:,} bytes of its body missing")
                self._response.close()  # so that the connection takes another request
                return
            size += len(piece)
            if size > self._patience.most_bytes:
                raise EndpointError(
                    "answer without an end", f"more than {self._patience.most_bytes:,} bytes came"
                )
            yield piece

    def is_read(self) -> bool:
        """Read what is left after the last event; False where the server keeps it open."""
        self._deadline = time.monotonic() + self._patience.after_last_s
        try:
            return all(not piece.strip(b"\r\n") for piece in self.pieces())
        except (OSError, http.client.HTTPException, EndpointError):
            return False

    def _next(self) -> bytes:
        left = self._deadline - time.monotonic()
        if left > 0:
            self._allow(self._patience.silence_s)
            try:
                return self._response.read1(_PIECE)
            except TimeoutError:
                left = self._deadline - time.monotonic()
        if left <= 0:
            raise EndpointError(
                "answer without an end", f"not at its end after {self._patience.whole_s:g} s"
            )
        raise EndpointError(
            "stopped in mid-answer", f"nothing more for {self._patience.silence_s:g} s"
        )

    def _allow(self, seconds: float) -> None:
        left = self._deadline - time.monotonic()
        self._socket.settimeout(max(0.001, min(seconds, left)))

    def _refusal(self) -> EndpointError:
        outcome = outcome_of_status(self.status)
        if outcome == "redirect refused":
            target = self._response.getheader("Location", "")
            return EndpointError(
                outcome,
                f"is redirected to {target}, which is not followed, since the key would go there; "
                "if that is the server, give its address",
                status=self.status,
            )
        said = said_by(self._response.read(_MOST_ERROR_BYTES))
        return EndpointError(
            outcome,
            f"{outcome} (status {self.status}): {said}",
            status=self.status,
            retry_after_s=_retry_after_s(self._response.getheader("Retry-After")),
        )


def named_fault(error: Exception, patience: Patience) -> EndpointError:
    """An error of sockets, TLS or HTTP as a named outcome."""
    match error:
        case TimeoutError():
            return EndpointError("no answer in time", f"no answer in {patience.silence_s:g} s")
        case ConnectionRefusedError():
            return EndpointError(
                "connection refused", "connection refused: no server listens there"
            )
        case socket.gaierror():
            return EndpointError("unknown host", f"unknown host: {error.strerror}")
        case http.client.IncompleteRead():
            return EndpointError("body cut short", "the connection ended within its body")
        case http.client.RemoteDisconnected() | ConnectionError():
            return EndpointError("connection lost", f"connection lost: {error}")
        case http.client.HTTPException():
            kind = type(error).__name__
            return EndpointError("connection lost", f"does not speak HTTP ({kind}: {error})")
    reason = getattr(error, "verify_message", "")  # of ssl.SSLCertVerificationError
    if reason:
        return EndpointError(
            "certificate refused",
            f"its certificate is refused: {reason}; SSL_CERT_FILE can name one that you trust",
        )
    return EndpointError("connection lost", f"connection lost: {error}")


def _retry_after_s(text: str | None) -> float | None:
    """Seconds of a Retry-After header; a date, which servers of models do not send, is none."""
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
