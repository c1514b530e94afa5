"""Sizes and times as people write them."""

from __future__ import annotations

import re

_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_TIMES = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def parse_bytes(text: object) -> int:
    """Read a size such as `512MiB`, `16GB` or `1048576` as bytes.

    Raises:
        ValueError: it is not a positive size.
    """
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise ValueError(f"{text!r} is not a size (write 512MiB, 16GB or a number of bytes)")  # noqa: TRY004  # pydantic reads ValueError
    found = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kmg]i?)?b?\s*", str(text).lower())
    if not found or float(found[1]) <= 0:
        raise ValueError(f"{text!r} is not a size (write 512MiB, 16GB or a number of bytes)")
    return int(float(found[1]) * _SIZES[found[2] or ""])


def format_size(size: int) -> str:
    """A size as `parse_bytes` reads it back to the byte: `512MiB`, `1GiB`, `16000000000`."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def parse_seconds(text: str) -> float:
    """Read a time such as `2s`, `500ms`, `30min`, `1h` or `0.5` as seconds.

    Raises:
        ValueError: it is not a positive time.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|min|h)?\s*", text.lower())
    if not found or float(found[1]) <= 0:
        raise ValueError(f"{text!r} is not a time (write 2s, 500ms, 30min or a number of seconds)")
    return float(found[1]) * _TIMES[found[2] or "s"]
