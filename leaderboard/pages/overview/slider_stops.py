"""What the side bar offers: stops of its sliders and names to pick from, in the view's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.choose.limits import weighted_accuracy
from leaderboard.pages.overview.round_steps import geometric, linear
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.rows.view import View, task_weights
from leaderboard.units import mib, ms, points

PARAMETERS_M = (1_000.0, 4_000.0, 8_000.0, 32_000.0)
BITS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Each slider's stops, ascending, and the names that occur; what was chosen is among them."""

    memory_mib: list[float]
    decode_tokens_per_s: list[float]
    ttft_p95_ms: list[float]
    disk_mib: list[float]
    accuracy_percent: list[float]
    parameters_m: list[float]
    bits: list[float]
    licences: list[str]
    families: list[str]
    runtimes: list[str]
    tasks: list[str]
    """Tasks and groups that enter the accuracy."""


def offer(rows: Sequence[Row], view: View) -> Offers:
    """What can be chosen of these rows."""
    weights = task_weights(view)
    candidates = [row.record.candidate for row in rows]
    shares = [weighted_accuracy(row, weights) for row in rows]
    return Offers(
        memory_mib=geometric(
            (mib(row.peak_bytes) for row in rows if row.peak_bytes), view.memory_mib
        ),
        decode_tokens_per_s=geometric(
            (row.decode_tokens_per_s for row in rows), view.decode_tokens_per_s
        ),
        ttft_p95_ms=geometric(
            (ms(row.ttft_p95_s) for row in rows if row.ttft_p95_s), view.ttft_p95_ms
        ),
        disk_mib=geometric(
            (mib(row.weights_bytes) for row in rows if row.weights_bytes), view.disk_mib
        ),
        accuracy_percent=linear(
            (points(share) for share in shares if share is not None), view.accuracy_percent
        ),
        parameters_m=_stops(PARAMETERS_M, view.parameters_m),
        bits=_stops(BITS, view.bits),
        licences=_names([c.licence for c in candidates], view.licences),
        families=_names([c.family for c in candidates], view.families),
        runtimes=_names([c.runtime for c in candidates], view.runtimes),
        tasks=list(dict.fromkeys(score.name for row in rows for score in usable(row))),
    )


def format_parameters(count_m: float) -> str:
    """Millions of parameters as people say them: `135M`, `4B`."""
    return f"{count_m / 1e3:g}B" if count_m >= 1e3 else f"{count_m:g}M"


def _stops(usual: Sequence[float], chosen: float | None) -> list[float]:
    return sorted({*usual, *([] if chosen is None else [chosen])})


def _names(found: Sequence[str], chosen: Sequence[str]) -> list[str]:
    return sorted({*(name for name in found if name), *chosen})
