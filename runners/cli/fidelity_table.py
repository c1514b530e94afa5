"""Fidelity on the command line: a table, the sentences under it, and JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leaderboard.compare.fidelity import Fidelity
    from runners.cli.layout import Grid


def fidelity_table(found: Fidelity, title: str) -> Grid:
    """The answers' perplexity ratio: a row a task, and over all with interval and verdict."""
    from leaderboard.compare.fidelity import FIDELITY_MARGIN
    from leaderboard.compare.fidelity_words import interval_text, ratio_text
    from leaderboard.stats.likelihoods import times
    from leaderboard.units import MISSING
    from runners.cli.layout import Grid, plain, state

    allowed = f"within {100 * FIDELITY_MARGIN:g}%"
    table = Grid(title, "task", "items", "perplexity ratio", "95% interval", allowed)
    for task in found.tasks:
        table.add_row(plain(task.name), f"{task.items:,}", ratio_text(times(task.loss)), "", "")
    table.add_section()
    table.add_row(
        "all texts",
        f"{found.loss.items:,}" if found.loss else MISSING,
        ratio_text(found.ratio) if found.ratio else MISSING,
        interval_text(found.interval) if found.interval else MISSING,
        state(found.verdict() or MISSING),
    )
    return table


def fidelity_lines(found: Fidelity) -> list[str]:
    """Lines below the table: changed choices with their noise floor, divergence, caveats."""
    from leaderboard.compare.fidelity_words import changes, notes

    return [*changes(found), *notes(found)]


def fidelity_dict(found: Fidelity | None) -> dict[str, Any] | None:
    """Fidelity as JSON; None where a side has no samples."""
    from leaderboard.compare.fidelity import FIDELITY_MARGIN

    if found is None:
        return None
    derived = {
        "ratio": found.ratio,
        "interval": None if found.interval is None else dataclasses.asdict(found.interval),
        "margin": FIDELITY_MARGIN,
        "verdict": found.verdict(),
        "changed_share": found.changed_share,
    }
    return {**derived, **dataclasses.asdict(found), "notes": fidelity_lines(found)}
