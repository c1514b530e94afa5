"""What a plot may show of a candidate, in the unit that it is shown in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leaderboard.pages.frame import scaled
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Interval
from leaderboard.units import mib, ms, points


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a row."""

    title: str
    """Of an axis, with the unit after the last comma."""
    stored: Callable[[Row], float | None]
    """The number in the record's unit."""
    spread: Callable[[Row], Interval | None]
    """Its interval, in the same."""
    scale: Callable[[float], float]
    """From the record's unit to the shown one."""
    over_items: bool = False
    """The interval is over items, not over process runs."""

    @property
    def name(self) -> str:
        """The title without its unit."""
        return self.title.split(",")[0]

    def value(self, row: Row) -> float | None:
        """As it is shown; None where the row lacks it."""
        known = self.stored(row)
        return None if known is None else self.scale(known)

    def interval(self, row: Row) -> Interval | None:
        """As it is shown; None where nothing is known of it."""
        return scaled(self.spread(row), self.scale)

    def basis(self, row: Row) -> str:
        """What stands behind the interval."""
        if not self.over_items:
            return f"{row.runs} run{'s' if row.runs != 1 else ''}"
        return f"n = {row.score.n:,}" if row.score else ""


MEASURES = {
    "accuracy": Measure(
        title="accuracy, %",
        stored=lambda row: row.score.value if row.score else None,
        spread=lambda row: row.score.interval if row.score else None,
        scale=points,
        over_items=True,
    ),
    "memory": Measure(
        title="peak memory, MiB",
        stored=lambda row: row.peak_bytes,
        spread=lambda row: row.peak_interval,
        scale=mib,
    ),
    "ttft": Measure(
        title="time to first token, median, ms",
        stored=lambda row: row.ttft_s,
        spread=lambda row: row.ttft_interval,
        scale=ms,
    ),
    "decode": Measure(
        title="decode, tokens/s",
        stored=lambda row: row.decode_tokens_per_s,
        spread=lambda row: row.decode_interval,
        scale=float,
    ),
    "disk": Measure(
        title="weights on disk, MiB",
        stored=lambda row: row.weights_bytes,
        spread=lambda _row: None,
        scale=mib,
    ),
}
