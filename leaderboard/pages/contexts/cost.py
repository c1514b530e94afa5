"""Blocks about what context costs: three figures, what they say, and the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.blocks import Beside, Block, Figure, Fold, Heading, Table, Text
from leaderboard.pages.contexts.figures import PEAK, SCORE, TTFT, Curve, Number, length_figure
from leaderboard.pages.grid import Cell, Grid, Head, half, missing
from leaderboard.rows.names import labels
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.runs.contexts import ContextPoint, context_points, growth, not_run
from leaderboard.units import format_number, mib, ms, points
from runners.records.answers import SummaryInfo
from runners.records.record import Record

if TYPE_CHECKING:
    import plotly.graph_objects as go

TITLE = "What does context cost?"
MOST = 6
"""Candidates that are drawn together: as many as there are colours."""
WORDS = (
    "Each length is answered in a context of its own. Found: the share of what a text hides, with "
    "the 95 % interval over items. Time to first token: the median over the answers, and the bar "
    "from the soonest to the latest. Peak memory: from the opening of that context on, weights "
    "included. One run; lengths that were not run are not drawn."
)


def cost_blocks(runs: Sequence[tuple[str, Record]]) -> Iterator[Block]:
    """Score, first token and peak memory by length; nothing where no run has a length.

    Args:
        runs: what to call a candidate, and the run that answered its tasks.
    """
    curves = [(name, found) for name, record in runs if (found := context_points(record))]
    if not curves:
        return
    yield Heading(TITLE)
    yield Beside(
        tuple(
            (Heading(words, 3), _figure(curves, number, words))
            for words, number in (
                ("What it finds", SCORE), ("Time to first token", TTFT), ("Peak memory", PEAK),
            )
        )
    )  # fmt: skip
    several = len(runs) > 1
    for name, record in runs:
        before = f"{name}: " if several else ""
        said = [growth(context_points(record)), *(f"Not run: {one}." for one in not_run(record))]
        if words := " ".join(filter(None, said)):
            yield Text(before + words, small=several)
    yield Text(WORDS, small=True)
    tables = [Table(cost_grid(curve, name)) for name, curve in curves]
    yield Fold("As a table", tuple(tables))


def ranked_cost(rows: Sequence[Row]) -> Iterator[Block]:
    """The same of the first few candidates of a ranking, those that have lengths."""
    having = [row.record for row in rows if context_points(row.record)]
    named = labels(having)
    told = [(named[record.candidate.digest], record) for record in having[:MOST]]
    yield from cost_blocks(told)
    if len(having) > MOST:
        yield Text(f"The first {MOST} of {len(having)} candidates.", small=True)


def _figure(curves: Sequence[Curve], number: Number, words: str) -> Figure:
    def draw(dark: bool) -> go.Figure:
        return length_figure(curves, number, dark=dark)

    return Figure(f"context {words}", draw, f"{words} against the length of the context")


def cost_grid(curve: Sequence[ContextPoint], name: str) -> Grid:
    """One candidate's lengths, the shortest first."""
    heads = (
        Head("context", "tokens", "what was opened for it: prompt, answer and thought"),
        Head("found", "%", "95 % interval over items"),
        Head("n"),
        Head("prompt", "tokens", "median, by the model's own tokeniser"),
        Head("TTFT", "ms", "median over the answers"),
        Head("latest TTFT", "ms"),
        Head("prefill", "tokens/s", "median"),
        Head("decode", "tokens/s", "median"),
        Head("peak", "MiB", "from the opening of that context on"),
    )
    return Grid(caption=f"{name}, one run", heads=heads, rows=tuple(map(_row, curve)))


def _row(point: ContextPoint) -> tuple[Cell, ...]:
    about, score = point.about, point.score
    ttft = about.ttft_s
    return (
        Cell(point.label if about.opened in (None, about.tokens) else f"{about.opened:,}"),
        missing("its answers were not scored")
        if score is None or score.value is None
        else Cell(f"{points(score.value):.1f}", _half(score)),
        Cell(f"{score.n:,}" if score else ""),
        _median(point, "prompt_tokens", about.prompt_tokens),
        _median(point, "ttft_s", ttft, ms),
        Cell(format_number(ms(ttft.maximum))) if ttft else _unknown(point, "ttft_s"),
        _median(point, "prefill_tokens_per_s", about.prefill_tokens_per_s),
        _median(point, "decode_tokens_per_s", about.decode_tokens_per_s),
        _unknown(point, "peak_bytes")
        if about.peak_bytes is None
        else Cell(format_number(mib(about.peak_bytes))),
    )


def _half(score: Score) -> str:
    width = half(score.interval)
    return "" if width is None else f"{points(width):.1f}"


def _median(
    point: ContextPoint,
    key: str,
    found: SummaryInfo | None,
    scale: Callable[[float], float] = float,
) -> Cell:
    return _unknown(point, key) if found is None else Cell(format_number(scale(found.p50)))


def _unknown(point: ContextPoint, key: str) -> Cell:
    return missing(point.about.unknown.get(key, "not measured"))
