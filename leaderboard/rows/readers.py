"""Read one run's values from its record, for the table of metrics."""

from __future__ import annotations

from collections.abc import Callable

from leaderboard.rows.metric import Read
from runners.records.answers import SummaryInfo
from runners.records.latency import median_of
from runners.records.record import MemoryPhase, Phase, Record
from runners.records.timed import WorkloadLatency

DEPLOYED: tuple[Phase, ...] = ("load", "latency", "generation")
"""The phases whose memory a deployment needs, too. Scoring is not among them: it keeps many
sequences at once, to be done sooner."""


def timed(read: Callable[[WorkloadLatency], SummaryInfo | None]) -> Read:
    """The median of one workload's requests."""

    def value(record: Record, workload: str) -> float | None:
        found = record.latency.get(workload)
        return None if found is None else median_of(read(found))

    return value


def headline_peak(record: Record, _workload: str = "") -> float | None:
    """The largest peak of the phases that a deployment has; None where none was measured."""
    phase = _headline(record)
    return phase.peak_bytes if phase else None


def headline_anonymous(record: Record, _workload: str = "") -> float | None:
    """Anonymous bytes at the end of the phase with the largest peak; None where not known."""
    phase = _headline(record)
    return phase.anon_bytes if phase else None


def _headline(record: Record) -> MemoryPhase | None:
    phases = record.memory.phases if record.memory else {}
    # A run that died while loading has no peak to be compared with those that served.
    served = "latency" in phases or "generation" in phases
    deployed = [phases[name] for name in DEPLOYED if name in phases] if served else []
    return max(deployed, key=lambda phase: phase.peak_bytes, default=None)


def bits_per_weight(record: Record, _workload: str = "") -> float | None:
    """Bits per weight as they are in the file; None for what has no weights file."""
    kind = record.candidate.quantisation
    return kind.bits_per_weight if kind else None
