"""Seconds to ms, bytes to MiB and GiB, numbers to text: the only place that scales for people."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

MISSING = "\N{EN DASH}"
"""Text for a number that is None."""


def ms(seconds: float) -> float:
    """Seconds as milliseconds."""
    return seconds * 1e3


def mib(size_bytes: float) -> float:
    """Bytes as MiB, 2^20 bytes."""
    return size_bytes / 2**20


def gib(size_bytes: float) -> float:
    """Bytes as GiB, 2^30 bytes."""
    return size_bytes / 2**30


def millions(count: float) -> float:
    """A count, e.g. of parameters, in millions."""
    return count / 1e6


def points(share: float) -> float:
    """A share, or a difference of two, in percentage points."""
    return 100 * share


def from_mib(size_mib: float) -> float:
    """MiB as bytes."""
    return size_mib * 2**20


def from_ms(milliseconds: float) -> float:
    """Milliseconds as seconds."""
    return milliseconds / 1e3


def from_percent(percent: float) -> float:
    """Share from per cent, or from percentage points."""
    return percent / 100


def from_millions(count: float) -> float:
    """Millions, e.g. of parameters, as a count."""
    return count * 1e6


def format_minute(moment: str) -> str:
    """A moment of ISO 8601 to the minute: `2026-11-25T22:34:18+00:00` -> `2026-11-25 22:34`."""
    return moment[:16].replace("T", " ")


def format_duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_number(value: float | None) -> str:
    """Three significant digits, whole numbers never rounded away: 0.0123, 4.57, 98.6, 1,235.

    What is not finite, which only a damaged record holds, counts as missing.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = abs(float(f"{value:.3g}"))
    if rounded == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(rounded)))
    return f"{value:,.{decimals}f}"


def format_range(low: float, high: float) -> str:
    """A range as somebody would type it: two digits, at most two decimals, rounded outwards.

    (386, 1140) -> `380` to `1,200`; (84.1, 84.1) -> `84`; (0.00155, 0.00155) -> `<0.01`.
    """
    if low == high:
        place = _typed_place(low)
        return f"{round(low, place):,.{max(0, place)}f}" if round(low, place) else "<0.01"
    ends = []
    for value, whole in ((low, math.floor), (high, math.ceil)):
        place = _typed_place(value)
        # 0.3 / 0.1 is 2.9999999999999996.
        found = whole(round(value * 10.0**place, 6)) / 10.0**place
        ends.append(f"{found:,.{max(0, place)}f}" if found else "0")
    return "\N{EN DASH}".join(ends)


def _typed_place(value: float) -> int:
    """Decimals of a number of two digits: 1 of 4.2, -1 of 420; at most 2."""
    return 2 if value <= 0 else min(2, 1 - math.floor(math.log10(value)))


def format_half(half: float, value: float) -> str:
    """Half an interval with as many decimals as `format_number` gives the value: `0.1` of 310.0.

    Where that would be 0, which no interval is, the next decimal that is not.
    """
    digits = format_number(value).partition(".")[2]
    text = f"{half:,.{len(digits)}f}"
    return text if float(text.replace(",", "")) or not half else f"{half:.1g}"


def format_measured(value: float, half: float) -> tuple[str, str]:
    """A value and half its interval, both to the first digit of the half, two where that is a 1.

    Never to more than four digits of the value, beside which less counts as none:
    (22674, 13916) -> `23,000`, `14,000`; (276.3, 0.154) -> `276.3`, `0.2`; (151, 0.007) ->
    `151.0`, `<0.1`.
    """
    if not half or not math.isfinite(half) or not math.isfinite(value):
        return format_number(value), format_half(half, value)
    place = math.floor(math.log10(half))
    if half / 10**place < 1.95:
        place -= 1
    if value:
        place = max(place, math.floor(math.log10(abs(value))) - 3)
    decimals = max(0, -place)
    shown, told = (f"{round(one, -place):,.{decimals}f}" for one in (value, half))
    if not round(half, -place):
        told = f"<{10.0**place:,.{decimals}f}"
    return shown, told


def format_ms(seconds: float | None) -> str:
    """Seconds as text in milliseconds: 0.0123 -> `12.3 ms`."""
    return MISSING if seconds is None else f"{format_number(ms(seconds))} ms"


def format_mib(size_bytes: float | None) -> str:
    """Bytes as text in MiB, also above 1 GiB, so that a column compares: `1,214 MiB`."""
    return MISSING if size_bytes is None else f"{format_number(mib(size_bytes))} MiB"


def format_gib(size_bytes: float | None) -> str:
    """Bytes as text in GiB: `15.6 GiB`."""
    return MISSING if size_bytes is None else f"{format_number(gib(size_bytes))} GiB"


def format_size(size_bytes: float) -> str:
    """A size as it is sold: `512 MiB`, `1 GiB`, `16 GB`; in MiB or GiB where it is no round one."""
    for unit, name in ((2**30, "GiB"), (10**9, "GB"), (2**20, "MiB")):
        if size_bytes >= unit and size_bytes % unit == 0:
            return f"{size_bytes / unit:,.0f} {name}"
    return format_gib(size_bytes) if size_bytes >= 2**30 else format_mib(size_bytes)


def format_percent(share: float | None) -> str:
    """A share as per cent with one decimal, so that a column lines up: 0.4275 -> `42.8%`."""
    return MISSING if share is None else f"{share:.1%}"


def format_rate(per_s: float | None, unit: str = "tokens/s") -> str:
    """A rate as text: `124 tokens/s`."""
    return MISSING if per_s is None else f"{format_number(per_s)} {unit}"


def format_parameters(count_m: float) -> str:
    """Millions of parameters as people say them: `135M`, `4B`."""
    return f"{count_m / 1e3:g}B" if count_m >= 1e3 else f"{count_m:g}M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Unit in which a number is shown: people see `scale(stored)` with the symbol behind it."""

    symbol: str
    """Symbol; empty for a plain number."""
    text: Callable[[float | None], str]
    """The stored number with its symbol, or MISSING."""
    scale: Callable[[float], float] = float
    """Function from the stored number to the shown one."""
    back: Callable[[float], float] = float
    """Function from the shown number to the stored one."""
    number: Callable[[float], str] = format_number
    """The shown number as text, without its symbol."""


PLAIN = Unit(symbol="", text=format_number)
COUNT = Unit(symbol="", text=lambda n: MISSING if n is None else f"{n:,.0f}",
             number=lambda n: f"{n:,.0f}")  # fmt: skip
MS = Unit(symbol="ms", text=format_ms, scale=ms, back=from_ms)
SECONDS = Unit(symbol="s", text=lambda seconds: format_rate(seconds, "s"))
MIB = Unit(symbol="MiB", text=format_mib, scale=mib, back=from_mib)
PERCENT = Unit(symbol="%", text=format_percent, scale=points, back=from_percent)
TOKENS_PER_S = Unit(symbol="tokens/s", text=format_rate)
MILLION = Unit(
    symbol="million",
    text=lambda count: format_rate(None if count is None else millions(count), "million"),
    scale=millions,
    back=from_millions,
)
