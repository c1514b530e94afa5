"""The limits that a view sets, as a candidate must keep to them."""

from __future__ import annotations

from collections.abc import Callable

from leaderboard.choose.limits import Limits
from leaderboard.rows.view import View
from leaderboard.units import from_mib, from_millions, from_ms, from_percent


def limits(view: View) -> Limits:
    """What a candidate must keep to, in seconds, bytes and shares."""

    def scaled(value: float | None, scale: Callable[[float], float]) -> float | None:
        return None if value is None else scale(value)

    return Limits(
        max_peak_bytes=scaled(view.memory_mib, from_mib),
        min_decode_tokens_per_s=view.decode_tokens_per_s,
        max_ttft_p95_s=scaled(view.ttft_p95_ms, from_ms),
        min_accuracy=scaled(view.accuracy_percent, from_percent),
        max_weights_bytes=scaled(view.disk_mib, from_mib),
        max_parameters=scaled(view.parameters_m, from_millions),
        max_bits_per_weight=view.bits,
        licences=frozenset(view.licences) if view.licences else None,
        families=frozenset(view.families) if view.families else None,
        runtimes=frozenset(view.runtimes) if view.runtimes else None,
    )
