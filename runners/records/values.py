"""Types of a record's values, each with the range that a measurement can have.

A record may come from anybody. What lies outside these ranges is refused where the record is
read, by name, so that one impossible number hides no other record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

LARGEST = 2**63 - 1
"""The largest integer that tables and files of columns can hold."""


def _not_tiny(value: float) -> float:
    if 0 < value < 1e-12:
        raise ValueError("is nearly 0, whose inverse is no measurement")
    return value


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
"""A number of things, or a place in an order."""
Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
"""Any whole number, such as a seed."""
Bytes = Annotated[int, Field(strict=True, ge=0, le=2**60)]
"""A number of bytes, at most an exbibyte."""
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
"""A duration; at most thirty years."""
Rate = Annotated[
    float, Field(strict=True, ge=0, le=1e12, allow_inf_nan=False), AfterValidator(_not_tiny)
]
"""Tokens a second, or seconds a token: what is divided by."""
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
"""A part of a whole."""
Score = Annotated[float, Field(strict=True, ge=-1e100, le=1e100, allow_inf_nan=False)]
"""A metric's value: any finite number whose square is finite."""
Size = Annotated[float, Field(strict=True, ge=0, le=1e100, allow_inf_nan=False)]
"""A finite number that is not negative: an uncertainty, an amount."""
Bits = Annotated[float, Field(strict=True, ge=0, le=1024, allow_inf_nan=False)]
"""A weight's."""
Moment = Annotated[str, AfterValidator(_moment)]
"""A date and time, ISO 8601."""


def bounded(value: float | None) -> float | None:
    """A score as a record can hold it: None for NaN, an infinity, or beyond `Score`."""
    return value if value is not None and -1e100 <= value <= 1e100 else None


def mended(content: Any) -> Any:
    """Nested JSON whose texts are well formed: half a surrogate pair becomes an escape.

    Python reads a file name that is no UTF-8 as such halves, and no table or page can hold them.
    """
    match content:
        case str():
            return content.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {mended(key): mended(value) for key, value in content.items()}
        case list():
            return [mended(value) for value in content]
    return content
