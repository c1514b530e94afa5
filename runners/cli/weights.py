"""`--weights tools=3,code=1`: what counts in the accuracy, by ability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from runners.cli.completion_names import complete_weights

if TYPE_CHECKING:
    from leaderboard.rows.row import Row

Weights = tuple[tuple[str, float], ...]


def _weights(_context: click.Context, parameter: click.Parameter, text: str | None) -> Weights:
    """An option's abilities with their weights; none where it was not given."""
    from evals.abilities import is_ability
    from leaderboard.rows.view import MOST_WEIGHT

    found: dict[str, float] = {}
    for part in (text or "").split(",") if text is not None else ():
        name, _, number = part.strip().partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not is_ability(name) or not 0 <= weight <= MOST_WEIGHT or name in found:
            raise click.BadParameter(
                f"{part.strip()!r} is not ABILITY=WEIGHT with a weight from 0 to {MOST_WEIGHT:g}, "
                "each ability once, e.g. tools=3,code=1",
                param=parameter,
            )
        found[name] = weight
    if found and not any(found.values()):
        raise click.BadParameter("one weight must be above 0", param=parameter)
    return tuple(found.items())


weights_option = click.option(
    "--weights", callback=_weights, metavar="A=N,…", shell_complete=complete_weights,
    help="What counts in the accuracy, by ability, e.g. tools=3,code=1: tools three quarters, code "
    "one, other abilities nothing. Default: every task counts the same.",
)  # fmt: skip


def check_measured(weights: Weights, rows: Sequence[Row]) -> None:
    """Refuse to weigh an ability that the rows' suite does not measure.

    Raises:
        click.UsageError: it does not measure one of them.
    """
    from evals.errors import did_you_mean
    from leaderboard.rows.abilities import abilities

    found = abilities(rows)
    suite = rows[0].record.suite.name if rows else ""
    for name, _ in weights:
        if name not in found:
            raise click.UsageError(
                f"--weights: suite {suite} does not measure {name}{did_you_mean(name, found)}"
            )
