"""How messages travel: length-prefixed JSON over two pipes, which works on every system.

A message is four bytes of length (big-endian), then `{"type": class name, "body": fields}`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import IO, Any

from runners.worker import protocol
from runners.worker.protocol import Message

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in Message.__args__}
_NESTED: dict[type[Any], dict[str, type[Any]]] = {
    protocol.LatencyTimes: {"warmups": protocol.RequestTimes, "repeats": protocol.RequestTimes},
    protocol.Score: {"items": protocol.ScoreItem},
    protocol.Scored: {"items": protocol.ItemScore},
    protocol.Generate: {"items": protocol.GenerateItem},
    protocol.Generated: {"items": protocol.ItemText},
    protocol.ItemText: {"times": protocol.RequestTimes},
}


class WireError(Exception):
    """The pipe closed in the middle of a message, or carried something else."""


def send(pipe: IO[bytes], message: Message) -> None:
    """Write one message and flush."""
    text = json.dumps(to_wire(message)).encode()
    pipe.write(_LENGTH.pack(len(text)) + text)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message | None:
    """Read one message; None when the other side closed the pipe between messages.

    Raises:
        WireError: half a message, an absurd length, not JSON, an unknown type or field.
    """
    head = pipe.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise WireError("the pipe closed in the middle of a message")
    (length,) = _LENGTH.unpack(head)
    if length > MAX_MESSAGE_BYTES:
        raise WireError(f"a message of {length} bytes is not ours")
    text = pipe.read(length)
    if len(text) < length:
        raise WireError("the pipe closed in the middle of a message")
    try:
        return from_wire(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise WireError(f"not a message: {error!r}"[:200]) from error


def to_wire(message: Message) -> dict[str, Any]:
    """One message as plain JSON values."""
    return {"type": type(message).__name__, "body": asdict(message)}


def from_wire(wire: Any) -> Message:
    """One message from its plain JSON values.

    Raises:
        WireError: it is no message of this protocol.
    """
    try:
        message: Message = _build(_TYPES[wire["type"]], wire["body"])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"not a message: {error!r}"[:200]) from error
    return message


def _build(kind: type[Any], body: dict[str, Any]) -> Any:
    nested = _NESTED.get(kind, {})
    fields = {
        key: _part(nested[key], value) if key in nested else value for key, value in body.items()
    }
    return kind(**fields)


def _part(kind: type[Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_build(kind, part) for part in value]
    return _build(kind, value)
