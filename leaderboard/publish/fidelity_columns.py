"""Fidelity as flat columns: ratios and shares, nats where the name says so."""

from __future__ import annotations

from typing import Any

from leaderboard.compare.fidelity import Fidelity
from runners.records.record import Record


def flat_fidelity(found: tuple[Record, Fidelity] | None) -> dict[str, Any]:
    """One run against the largest of its family; None throughout where there is no such thing."""
    kept = found[1] if found else None
    loss, interval = (kept.loss, kept.interval) if kept else (None, None)
    return {
        "fidelity.reference": found[0].run_id if found else None,
        "fidelity.ratio": kept.ratio if kept else None,
        "fidelity.ratio.low": interval.low if interval else None,
        "fidelity.ratio.high": interval.high if interval else None,
        "fidelity.p": loss.p if loss else None,
        "fidelity.items": loss.items if loss else None,
        "fidelity.tokens": kept.tokens if kept else None,
        "fidelity.divergence_nats": kept.divergence if kept else None,
        "fidelity.changed": kept.changed_share if kept else None,
        "fidelity.changed_by_packing": kept.floor.changed if kept else None,
        "fidelity.same_weights": kept.same_weights if kept else None,
        "fidelity.reason": kept.reason if kept else None,
    }
