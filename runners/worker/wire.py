"""Send messages as length-prefixed JSON over two pipes, which works on every system.

A message is four bytes of length (big-endian), then `{"type": class name, "body": fields}`.
"""

from __future__ import annotations

import functools
import json
import os
import struct
from dataclasses import asdict, is_dataclass
from types import UnionType
from typing import IO, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from runners.worker.protocol import Message

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
PartT = TypeVar("PartT")
_FOREIGN = (KeyError, TypeError, ValueError, OverflowError)
"""Exceptions of building a dataclass from other values than its own."""
_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in Message.__args__}


class WireError(Exception):
    """The pipe closed in the middle of a message, or carried something else."""


@functools.cache
def claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take the worker's stdin and stdout for the protocol; later calls return the same two.

    Whatever a library prints goes to stderr from then on, and whoever reads stdin finds its end.
    """
    inbox = os.fdopen(os.dup(0), "rb")
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return inbox, outbox


def send(pipe: IO[bytes], message: Message) -> None:
    """Write one message and flush."""
    text = json.dumps(to_wire(message)).encode()
    pipe.write(_LENGTH.pack(len(text)) + text)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message | None:
    """Read one message; None when the other side closed the pipe between messages.

    Raises:
        WireError: half a message, an absurd length, not JSON, a NaN, an unknown type or field, a
            field of another type than the protocol's.
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
        wire = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not a message: {error!r}"[:200]) from error
    return from_wire(wire)


def to_wire(message: Message) -> dict[str, Any]:
    """One message as plain JSON values."""
    return {"type": type(message).__name__, "body": asdict(message)}


def from_wire(wire: Any) -> Message:
    """One message from its plain JSON values.

    Raises:
        WireError: it is no message of this protocol.
    """
    try:
        message: Message = _built(_TYPES[wire["type"]], wire["body"])
    except _FOREIGN as error:
        raise WireError(f"not a message: {error!r}"[:200]) from error
    return message


def rebuilt(kind: type[PartT], body: Any) -> PartT:
    """A dataclass from what `asdict` and JSON made of it.

    Raises:
        WireError: a field is missing, unknown, or of another type than its annotation says.
    """
    try:
        built: PartT = _built(kind, body)
    except _FOREIGN as error:
        raise WireError(f"not a {kind.__name__}: {error!r}"[:200]) from error
    return built


def _constant(name: str) -> float:
    """An infinity, which a log-probability may be; nothing that is measured or scored is NaN."""
    if name == "NaN":
        raise ValueError("a number is NaN")
    return float(name)


def _built(kind: Any, body: Any) -> Any:
    hints = _hints(kind)
    return kind(**{key: _value(hints[key], part) for key, part in _checked(dict, body).items()})


def _value(kind: Any, value: Any) -> Any:
    """A JSON value as what the protocol's annotation says, which JSON forgets (tuples, floats)."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _built(kind, value)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is list:
        return [_value(inside[0], part) for part in _checked(list, value)]
    if origin is tuple:
        return tuple(map(_value, inside, _as_long(inside, _checked(list, value))))
    if origin is dict:
        return {key: _value(inside[1], part) for key, part in _checked(dict, value).items()}
    if origin is Literal:
        return inside[inside.index(value)]
    if origin is UnionType:
        return None if value is None else _value(inside[0], value)
    if kind is float and type(value) is int:
        return float(value)
    return value if kind is Any else _checked(kind, value)


def _checked(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:  # not isinstance: a bool is no number here
        raise TypeError(f"{value!r:.80} is no {kind.__name__}")
    return value


def _as_long(inside: tuple[Any, ...], value: list[Any]) -> list[Any]:
    if len(value) != len(inside):
        raise ValueError(f"{value!r:.80} has not {len(inside)} parts")
    return value


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
