"""Result of a check, with advice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    """Advice; empty where all is well."""
    now: str = ""
    """Disturbance of a run that starts now, in a few words; empty where there is none."""


def summary(checks: Sequence[Check]) -> str:
    """All checks in one line: `ready`, `ready; 4 limits, 1 matters now: …`, or `not ready: …`."""
    missing = lacking(checks)
    if missing:
        return f"not ready: {', '.join(missing)}"
    limits = sum(check.status == "limited" for check in checks)
    if not limits:
        return "ready"
    now = [check.now for check in checks if check.now]
    some = f"ready; {limits} limit{'s' if limits > 1 else ''}"
    if not now:
        return f"{some}, none matters now"
    return f"{some}, {len(now)} matter{'s' if len(now) == 1 else ''} now: {', '.join(now)}"


def lacking(checks: Iterable[Check]) -> list[str]:
    """The names of what `weighin run` needs and does not find."""
    return [check.name for check in checks if check.status == "missing"]
