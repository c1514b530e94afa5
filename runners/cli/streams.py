"""Stdout and stderr that may be closed, full or unread without changing how a command ends.

A command computes its exit code and writes what it has to say; whether somebody reads that is
another matter. Writing never raises here. What a reader who has gone misses is dropped; that a
disk was full is remembered, and `main` says so.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDOUT, STDERR = 1, 2
_GONE = (errno.EPIPE, errno.EBADF)
"""The reader has gone; whoever started us closed the descriptor meanwhile."""


class Unbreakable(io.FileIO):
    """A file descriptor whose writing never fails."""

    failure: OSError | None = None
    """The first refusal that was not a reader who has gone."""

    def write(self, data: Buffer, /) -> int:
        """Write what can be written; the rest is dropped."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                self.failure = self.failure or error
            return memoryview(data).nbytes


def keep_open() -> None:
    """Open /dev/null in the place of each standard stream that was closed.

    Cron, systemd and `>&-` close them. The next file that is opened would otherwise take the
    number, and what a library or a worker prints would be written into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)


def unbreakable(stream: TextIO | None, descriptor: int) -> TextIO:
    """Wrap a stream so that writes to it never fail.

    Args:
        stream: `sys.stdout` or `sys.stderr`; None where it was closed as Python started.
        descriptor: its number.

    Returns:
        What somebody put in the stream's place (a test, a Windows console) as it is.
    """
    if stream is not None and not _is_ours(stream):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        return stream
    unbuffered = bool(getattr(stream, "write_through", False))
    raw = Unbreakable(descriptor, "w", closefd=False)
    # A file name that is no text, or a terminal that knows ASCII only, must not end a run.
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == STDERR or raw.isatty() or unbuffered,
        write_through=unbuffered,
    )


def _is_ours(stream: TextIO) -> bool:
    return stream in (sys.__stdout__, sys.__stderr__) and isinstance(_raw(stream), io.FileIO)


def _raw(stream: TextIO) -> object:
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)  # PYTHONUNBUFFERED leaves the buffer out


def lost(stream: TextIO) -> OSError | None:
    """Why something that was written into a stream has got nowhere, the buffer included."""
    stream.flush()
    raw = _raw(stream)
    return raw.failure if isinstance(raw, Unbreakable) else None
