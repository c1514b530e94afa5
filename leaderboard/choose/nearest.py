"""What to do where nothing fits: the candidate that comes closest, and what it would need."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.choose.limits import Limits, Refused
from leaderboard.units import format_number, mib


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The refused candidate with the smallest worst overshoot."""

    refused: Refused
    over: float
    """Overshoot of the limit that it misses by most: 0.08 is 8 % more, or less, than allowed."""


def nearest(refused: Sequence[Refused]) -> Nearest | None:
    """The candidate that comes closest to keeping every limit.

    Args:
        refused: all that do not fit.

    Returns:
        None where every one fails for something that is no number: it crashed, was not measured,
        or has another licence.
    """
    found = []
    for one in refused:
        overs = [reason.over for reason in one.reasons]
        known = [over for over in overs if over is not None]
        if known and len(known) == len(overs):
            found.append(Nearest(refused=one, over=max(known)))
    return min(found, key=lambda one: one.over, default=None)


def nothing_fits(refused: Sequence[Refused], limits: Limits) -> tuple[str, tuple[str, ...]]:
    """Lines to show where nothing fits: what was missed, and what would do."""
    if not refused:
        return "No candidate that fits has an accuracy.", ()
    crashed = _crashes(refused)
    if crashed:
        return crashed, ("Run weighin doctor.",)
    closest = nearest(refused)
    if closest is None:
        reasons = dict.fromkeys(reason.text for one in refused for reason in one.reasons)
        listed = "; ".join(list(reasons)[:3])
        return f"{_who(refused)}: {listed}.", ()
    name = closest.refused.row.record.candidate.name
    broken = "; ".join(
        f"{reason.text}, {_percent(reason.over)} off" for reason in closest.refused.reasons
    )
    claim = f"{_who(refused)}. Closest is {name}: {broken}."
    return claim, tuple(_remedies(closest, limits))


def _who(refused: Sequence[Refused]) -> str:
    if len(refused) == 1:
        return "The only candidate does not fit"
    return f"None of {len(refused)} candidates fits"


def _remedies(closest: Nearest, limits: Limits) -> list[str]:
    """Limits that would admit a candidate, and the command that measures it inside them."""
    needed = {reason.limit: reason.needed for reason in closest.refused.reasons}
    name = closest.refused.row.record.candidate.name
    found = []
    peak = needed.get("memory")
    limit = limits.bounds.get("memory")
    if peak is not None and limit is not None:
        found.append(f"Allow {math.ceil(mib(peak)):,} MiB, or see whether it works in less:")
        size = f"{format_number(mib(limit)).replace(',', '')}MiB"
        found.append(f"weighin fit {shlex.quote(name)}")
        found.append(f"weighin run {shlex.quote(name)} --memory {size}")
    return found


def _crashes(refused: Sequence[Refused]) -> str:
    """Sentence where every run failed: the phase and the cause, not distances from limits."""
    errors = [one.row.record.error for one in refused if one.row.record.status == "failed"]
    if len(errors) < len(refused):
        return ""
    said = dict.fromkeys(
        f"in {error.phase} ({_cause(error.message)})" if error else "" for error in errors
    )
    return f"{len(errors)} of {len(refused)} runs crashed {', '.join(said)}.".replace(" .", ".")


def _cause(message: str) -> str:
    """The signal that ended a worker, else the message itself."""
    signal = re.search(r"\bSIG[A-Z]+\b", message)
    return signal[0] if signal else message


def _percent(over: float | None) -> str:
    if over is None or not math.isfinite(over):
        return "far"
    return f"{100 * over:.0f}%" if over >= 0.01 else "less than 1%"
