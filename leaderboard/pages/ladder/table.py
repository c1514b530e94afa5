"""The quantisations of a family as a table: what each loses, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaderboard.compare.ladder import Ladder, Quantisation
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.pages.compare.fidelity_grid import fidelity_cells, fidelity_heads
from leaderboard.pages.compare.tables import interval_text, signed, times_text
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.units import format_number, mib, ms, points


def lost_grid(ladder: Ladder, names: Sequence[str], caption: str) -> Grid:
    """A row a quantisation: what is lost, and whether that is below the margins."""
    accuracy = f"within {points(ladder.margin):g}"
    heads = (
        Head("quantisation", number=False),
        Head("bits/weight", hint="as they are in the file"),
        *fidelity_heads(ladder.fidelity_margin),
        Head("accuracy", "points", "its own minus the largest's, same items"),
        Head("95 %", "points"),
        Head("n"),
        Head(accuracy, "points", "whether the whole interval lies above", number=False),
    )
    rows = tuple(
        _lost(quantisation, name, ladder.fidelity_margin)
        for quantisation, name in zip(ladder.quantisations, names, strict=True)
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def _lost(quantisation: Quantisation, name: str, margin: float) -> tuple[Cell, ...]:
    file = quantisation.record.candidate.quantisation
    return (
        Cell(name),
        Cell(f"{file.bits_per_weight:.2f}") if file else missing("no weights file"),
        *fidelity_cells(quantisation.fidelity, margin, quantisation.reason),
        *_accuracy(quantisation),
    )


def saved_grid(ladder: Ladder, names: Sequence[str], caption: str) -> Grid:
    """A row a quantisation: disk, memory and time that it saves."""
    heads = (
        Head("quantisation", number=False),
        Head("disk saved", "MiB"),
        Head("peak saved", "MiB"),
        Head("first token saved", "ms", f"workload {ladder.workload}"),
        Head("decode", "ratio", "its own over the largest's, 95 %"),
        Head("runs"),
    )
    rows = tuple(
        _saves(quantisation, name)
        for quantisation, name in zip(ladder.quantisations, names, strict=True)
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def _saves(quantisation: Quantisation, name: str) -> tuple[Cell, ...]:
    return (
        Cell(name),
        _saved(quantisation.disk_saved_bytes, mib, "a side has no weights file"),
        _saved(quantisation.memory_saved_bytes, mib, _why(quantisation.memory, quantisation)),
        _saved(quantisation.ttft_saved_s, ms, _why(quantisation.ttft, quantisation)),
        _decode(quantisation),
        Cell(str(quantisation.runs)),
    )


def _accuracy(quantisation: Quantisation) -> tuple[Cell, ...]:
    found = quantisation.accuracy
    if found is None:
        return tuple(missing(quantisation.reason) for _ in range(4))
    return (
        Cell(signed(found.difference)),
        Cell(interval_text(found.interval, signed)),
        Cell(f"{found.n:,}"),
        Cell(str(quantisation.verdict)),
    )


def _decode(quantisation: Quantisation) -> Cell:
    ratio = quantisation.decode.ratio if quantisation.decode else None
    if ratio is None:
        return missing(_why(quantisation.decode, quantisation))
    spread = f" ({interval_text(ratio.interval, times_text)})" if ratio.interval else ""
    return Cell(f"{times_text(ratio.ratio)}{spread}")


def _why(axis: AxisComparison | None, quantisation: Quantisation) -> str:
    return (axis.reason if axis else quantisation.reason) or "was not measured"


def _saved(value: float | None, scale: Callable[[float], float], reason: str) -> Cell:
    return missing(reason) if value is None else Cell(format_number(scale(value)))
