"""The limits that a view sets, as a candidate must keep to them."""

from __future__ import annotations

from leaderboard.choose.limits import Limits
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.view import View


def limits(view: View) -> Limits:
    """The view's limits in seconds, bytes and shares."""
    return Limits(
        bounds={key: METRICS[key].unit.back(shown) for key, shown in view.limits},
        licences=frozenset(view.licences) if view.licences else None,
        families=frozenset(view.families) if view.families else None,
        runtimes=frozenset(view.runtimes) if view.runtimes else None,
    )
