"""What a view asks of the candidate to ship: its limits, and which of those that tie."""

from __future__ import annotations

from leaderboard.choose.limits import Limits
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.view import View
from leaderboard.units import from_percent


def limits(view: View) -> Limits:
    """The view's limits in seconds, bytes and shares."""
    return Limits(
        bounds={key: METRICS[key].unit.back(shown) for key, shown in view.limits},
        licences=frozenset(view.licences) if view.licences else None,
        families=frozenset(view.families) if view.families else None,
        architectures=frozenset(view.architectures) if view.architectures else None,
        runtimes=frozenset(view.runtimes) if view.runtimes else None,
        classes=frozenset(view.classes) if view.classes else None,
    )


def fidelity_margin(view: View) -> float | None:
    """Largest acceptable perplexity ratio, less 1; None: any, and its price is named."""
    return None if view.perplexity_percent is None else from_percent(view.perplexity_percent)
