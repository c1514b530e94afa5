"""The quantisations of a family as a table: what each loses, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leaderboard.compare import fidelity_words
from leaderboard.compare.ladder import Ladder, Rung
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.pages.compare.tables import interval_text, signed, times_text
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.units import format_number, mib, ms, points


def ladder_grid(ladder: Ladder, names: Sequence[str], caption: str) -> Grid:
    """A row a quantisation: what is lost, whether that is below the margins, what is saved."""
    accuracy = f"within {points(ladder.margin):g}"
    answers = f"within {points(ladder.fidelity_margin):g}"
    heads = (
        Head("quantisation", number=False),
        Head("bits/weight", hint="as they are in the file"),
        Head("perplexity ratio", hint="of the answers' texts, against the largest"),
        Head("95 %", hint="what the items do not rule out"),
        Head(answers, "%", "whether the whole interval lies below", number=False),
        Head("KL", "nats", "mean divergence of the distribution over an item's choices"),
        Head("choices changed", "%", "items whose most likely choice is another one"),
        Head("packing alone", "%", "choices that change with the cache's layout (noise floor)"),
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
    rows = tuple(_rung(rung, name) for rung, name in zip(ladder.rungs, names, strict=True))
    return Grid(caption=caption, heads=heads, rows=rows)


def _rung(rung: Rung, name: str) -> tuple[Cell, ...]:
    quantisation = rung.record.candidate.quantisation
    return (
        Cell(name),
        Cell(f"{quantisation.bits_per_weight:.2f}") if quantisation else missing("no weights file"),
        *_fidelity(rung),
        missing("not measured in these runs")
        if rung.noise_floor is None
        else Cell(f"{points(rung.noise_floor):.1f}"),
        *_accuracy(rung),
        _saved(rung.disk_saved_bytes, mib, "a side has no weights file"),
        _saved(rung.memory_saved_bytes, mib, _why(rung.memory, rung)),
        _saved(rung.ttft_saved_s, ms, _why(rung.ttft, rung)),
        _decode(rung),
        Cell(str(rung.runs)),
    )


def _fidelity(rung: Rung) -> tuple[Cell, ...]:
    found = rung.fidelity
    if found is None:
        return tuple(missing(rung.reason or "the samples are not at hand") for _ in range(5))
    changed = found.changed_share
    return (
        missing(found.reason)
        if found.ratio is None
        else Cell(fidelity_words.ratio_text(found.ratio)),
        missing(found.reason or "so few items rule nothing out")
        if found.interval is None
        else Cell(fidelity_words.interval_text(found.interval)),
        missing(found.reason) if found.loss is None else Cell(str(rung.fidelity_verdict)),
        missing(found.reason or "no item has two choices")
        if found.divergence is None
        else Cell(format_number(found.divergence)),
        missing("no item has two choices") if changed is None else Cell(f"{points(changed):.1f}"),
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
