"""What a check found, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

ShowBytes = Callable[[float], str]
"""Bytes as text: the command line brings it, as scaling is not this package's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "missing", "limited"]
    """missing: `weighin run` needs it. limited: it runs, and something is not measured, not
    enforced or not as quiet as it might be."""
    found: str
    advice: str = ""
    """What to do; empty where all is well."""


def lacking(checks: Iterable[Check]) -> list[str]:
    """The names of what `weighin run` needs and does not find."""
    return [check.name for check in checks if check.status == "missing"]
