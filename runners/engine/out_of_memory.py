"""Tell a library's error for want of memory from others, and say it as one for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runners.worker.runtime import WorkerError

WORDS = ("not enough memory", "can't allocate memory", "out of memory", "insufficient memory")
"""Words of torch (CUDA, ROCm, Apple's, the processor's allocator) and MLX, in small letters."""
MOST_CHARACTERS = 300


class OutOfMemory(WorkerError):
    """A device, or the host, has no memory left."""


def is_out_of_memory(error: BaseException) -> bool:
    """True of an error that says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in WORDS)


def ran_out(where: str, error: BaseException) -> OutOfMemory:
    """A library's error that memory ran out, as one for people.

    Args:
        where: `on cuda:0`, or `while` it did something.
        error: what it said.
    """
    why = " ".join(str(error).split())[:MOST_CHARACTERS]
    return OutOfMemory(f"out of memory {where}: {why}")


@contextmanager
def memory_on(device: object) -> Iterator[None]:
    """Raise what runs out of memory meanwhile as an error for people.

    Args:
        device: as the library calls it.

    Raises:
        OutOfMemory: the device has not enough memory.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise ran_out(f"on {device}", error) from error
