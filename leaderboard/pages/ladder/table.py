"""The quantisations of a family as a table: what each loses, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaderboard.compare.ladder import Ladder, Rung
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.pages.compare.fidelity_grid import fidelity_cells, fidelity_heads
from leaderboard.pages.compare.tables import interval_text, signed, times_text
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.units import format_number, mib, ms, points


def ladder_grid(ladder: Ladder, names: Sequence[str], caption: str) -> Grid:
    """A row a quantisation: what is lost, whether that is below the margins, what is saved."""
    accuracy = f"within {points(ladder.margin):g}"
    heads = (
        Head("quantisation", number=False),
        Head("bits/weight", hint="as they are in the file"),
        *fidelity_heads(ladder.fidelity_margin),
        Head("accuracy", "points", "its own minus the largest's, same items"),
        Head("95 %", "points"),
        Head("n"),
        Head(accuracy, "points", "whether the whole interval lies above", number=False),
        Head("disk saved", "MiB"),
        Head("peak saved", "MiB"),
        Head("first token saved", "ms", f"workload {ladder.workload}"),
        Head("decode", "ratio", "its own over the largest's, 95 %"),
        Head("runs"),
    )
    margin = ladder.fidelity_margin
    rows = tuple(_rung(rung, name, margin) for rung, name in zip(ladder.rungs, names, strict=True))
    return Grid(caption=caption, heads=heads, rows=rows)


def _rung(rung: Rung, name: str, margin: float) -> tuple[Cell, ...]:
    quantisation = rung.record.candidate.quantisation
    return (
        Cell(name),
        Cell(f"{quantisation.bits_per_weight:.2f}") if quantisation else missing("no weights file"),
        *fidelity_cells(rung.fidelity, margin, rung.reason),
        *_accuracy(rung),
        _saved(rung.disk_saved_bytes, mib, "a side has no weights file"),
        _saved(rung.memory_saved_bytes, mib, _why(rung.memory, rung)),
        _saved(rung.ttft_saved_s, ms, _why(rung.ttft, rung)),
        _decode(rung),
        Cell(str(rung.runs)),
    )


def _accuracy(rung: Rung) -> tuple[Cell, ...]:
    found = rung.accuracy
    if found is None:
        return tuple(missing(rung.reason) for _ in range(4))
    return (
        Cell(signed(found.difference)),
        Cell(interval_text(found.interval, signed)),
        Cell(f"{found.n:,}"),
        Cell(str(rung.verdict)),
    )


def _decode(rung: Rung) -> Cell:
    ratio = rung.decode.ratio if rung.decode else None
    if ratio is None:
        return missing(_why(rung.decode, rung))
    spread = f" ({interval_text(ratio.interval, times_text)})" if ratio.interval else ""
    return Cell(f"{times_text(ratio.ratio)}{spread}")


def _why(axis: AxisComparison | None, rung: Rung) -> str:
    return (axis.reason if axis else rung.reason) or "was not measured"


def _saved(value: float | None, scale: Callable[[float], float], reason: str) -> Cell:
    return missing(reason) if value is None else Cell(format_number(scale(value)))
