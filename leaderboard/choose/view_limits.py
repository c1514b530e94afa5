"""What a view asks of the candidate to ship: its limits, and which of those that tie."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.choose.limits import AbilityLimit, Limits
from leaderboard.rows.abilities import abilities, inside
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.units import from_percent


def ability_limits(view: View, rows: Sequence[Row]) -> tuple[AbilityLimit, ...]:
    """The view's limits on abilities that these rows' suite measures."""
    found, tasks = abilities(rows), dict(view.weights)
    return tuple(
        AbilityLimit(ability=one, least=from_percent(least), shares=inside(found[one], tasks))
        for one, least in view.ability_limits
        if one in found and inside(found[one], tasks)
    )


def limits(view: View, rows: Sequence[Row] = ()) -> Limits:
    """The view's limits in seconds, bytes and shares.

    Args:
        view: the limits as they are shown.
        rows: of the suite, which says what tasks an ability has.
    """
    return Limits(
        bounds={key: METRICS[key].unit.back(shown) for key, shown in view.limits},
        licences=frozenset(view.licences) if view.licences else None,
        families=frozenset(view.families) if view.families else None,
        architectures=frozenset(view.architectures) if view.architectures else None,
        runtimes=frozenset(view.runtimes) if view.runtimes else None,
        classes=frozenset(view.classes) if view.classes else None,
        abilities=ability_limits(view, rows),
    )


def fidelity_margin(view: View) -> float | None:
    """Largest acceptable perplexity ratio, less 1; None: any, and its price is named."""
    return None if view.perplexity_percent is None else from_percent(view.perplexity_percent)
