"""Fidelity in tables: a row a candidate, and a row a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.compare.comparison import Comparison
from leaderboard.compare.fidelity import FIDELITY_MARGIN, Fidelity
from leaderboard.compare.fidelity_words import interval_text, notes, ratio_text
from leaderboard.compare.tasks import NO_SAMPLES
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.stats.likelihoods import times
from leaderboard.units import format_number, points

_NO_PHASE = "the run was not held against this reference over the whole vocabulary"


def fidelity_heads(margin: float) -> tuple[Head, ...]:
    """Heads over the cells of `fidelity_cells`."""
    return (
        Head("perplexity ratio", hint="of the answers' texts, its own over the reference's"),
        Head("95 %", hint="what the items do not rule out"),
        Head(f"within {points(margin):g}", "%", "whether the whole interval lies below", False),
        Head("KL", "nats", "mean divergence of the distribution over an item's choices"),
        Head("KL, vocabulary", "nats", "mean divergence of the next token on a fixed text"),
        Head("top token changed", "%", "of the positions of that text"),
        Head("choices changed", "%", "items whose most likely choice is another one"),
        Head("packing alone", "%", "choices that change with the cache's layout (noise floor)"),
    )


def fidelity_cells(found: Fidelity | None, margin: float, reason: str) -> tuple[Cell, ...]:
    """One candidate: ratio, interval, verdict, divergence, changed choices, and their floor."""
    if found is None:
        return tuple(missing(reason or NO_SAMPLES) for _ in fidelity_heads(margin))
    changed, floor = found.changed_share, found.floor.changed
    whole = found.vocabulary
    no_choice = "no item has two choices"
    return (
        missing(found.reason) if found.ratio is None else Cell(ratio_text(found.ratio)),
        missing(found.reason or "so few items rule nothing out")
        if found.interval is None
        else Cell(interval_text(found.interval)),
        missing(found.reason) if found.loss is None else Cell(str(found.verdict(margin))),
        missing(found.reason or no_choice)
        if found.divergence is None
        else Cell(format_number(found.divergence)),
        missing(_NO_PHASE) if whole is None else Cell(format_number(whole.kl_nats)),
        missing(_NO_PHASE) if whole is None else Cell(f"{points(1 - whole.same_top):.1f}"),
        missing(no_choice) if changed is None else Cell(f"{points(changed):.1f}"),
        missing("not measured in these runs") if floor is None else Cell(f"{points(floor):.1f}"),
    )


def fidelity_grid(comparisons: Sequence[Comparison], names: Sequence[str], caption: str) -> Grid:
    """A row a candidate against the reference."""
    heads = (Head("candidate", number=False), *fidelity_heads(FIDELITY_MARGIN), Head("texts"))
    rows = tuple(
        (
            Cell(name),
            *fidelity_cells(one.fidelity, FIDELITY_MARGIN, NO_SAMPLES),
            _texts(one.fidelity),
        )
        for one, name in zip(comparisons, names, strict=True)
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def texts_grid(found: Fidelity, caption: str) -> Grid:
    """A row a task whose choices are texts."""
    heads = (Head("task", number=False), Head("perplexity ratio"), Head("n"))
    rows = tuple(
        (Cell(task.name), Cell(ratio_text(times(task.loss))), Cell(f"{task.items:,}"))
        for task in found.tasks
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def caveats(found: Sequence[Fidelity | None]) -> Iterator[str]:
    """Caveats that stand beside the numbers, each once."""
    yield from dict.fromkeys(line for one in found if one for line in notes(one))


def _texts(found: Fidelity | None) -> Cell:
    if found is None or found.loss is None:
        return missing(found.reason if found else NO_SAMPLES)
    return Cell(f"{found.loss.items:,}")
