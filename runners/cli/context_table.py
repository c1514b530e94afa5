"""What context costs, as a table on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from leaderboard.runs.contexts import ContextPoint
    from runners.cli.layout import Grid
    from runners.records.answers import SummaryInfo
    from runners.records.record import Record


WORDS = {
    "prompt_tokens": "prompt tokens", "ttft_s": "TTFT", "prefill_tokens_per_s": "prefill",
    "decode_tokens_per_s": "decode", "peak_bytes": "peak",
}  # fmt: skip
"""Keys of the record, as the table calls them."""


def context_table(record: Record) -> Grid | None:
    """The lengths that a run answered, a line each; None where its suite has none."""
    from leaderboard.runs.contexts import context_points
    from runners.cli.layout import Column, Grid, plain

    points = context_points(record)
    if not points:
        return None
    table = Grid(
        "what context costs: each length in a context of its own, one run; TTFT: median and latest",
        "context", "found %", Column(heading="n", drop=1), Column(heading="prompt tokens", drop=2),
        "TTFT ms", Column(heading="latest", drop=3), Column(heading="prefill tokens/s", drop=4),
        Column(heading="decode tokens/s", drop=5), "peak MiB",
    )  # fmt: skip
    for point in points:
        table.add_row(*map(plain, _cells(point)))
    return table


def context_lines(record: Record) -> list[str]:
    """What more context takes, and which lengths were not run; for below the table."""
    from leaderboard.runs.contexts import context_points, growth, not_run

    points = context_points(record)
    why: dict[str, dict[str, None]] = {}
    for key, reason in (pair for one in points for pair in one.about.unknown.items()):
        why.setdefault(reason, {})[WORDS.get(key, key)] = None
    return [
        *filter(None, [growth(points)]),
        *(f"not run: {one}" for one in not_run(record)),
        *(f"{', '.join(names)} not measured: {reason}" for reason, names in why.items()),
    ]


def _cells(point: ContextPoint) -> list[str]:
    from leaderboard.units import MISSING, format_number, mib, ms
    from runners.cli.tables import score_cell

    about = point.about

    def median(found: SummaryInfo | None, scale: Callable[[float], float] = float) -> str:
        return MISSING if found is None else format_number(scale(found.p50))

    opened = about.opened not in (None, about.tokens)
    return [
        f"{point.label} ({about.opened:,})" if opened else point.label,
        score_cell(point.score),
        f"{point.score.n:,}" if point.score else "",
        median(about.prompt_tokens),
        median(about.ttft_s, ms),
        format_number(ms(about.ttft_s.maximum)) if about.ttft_s else MISSING,
        median(about.prefill_tokens_per_s),
        median(about.decode_tokens_per_s),
        MISSING if about.peak_bytes is None else format_number(mib(about.peak_bytes)),
    ]
