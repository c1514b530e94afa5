"""Progress of a job, for whoever draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Progress of a job, for whoever draws it."""

    phase: str
    """One of the record's phases, or what the job waits for before the first."""
    task: str = ""
    done: int = 0
    """Items of the whole job that are answered; in the latency phase requests of a workload."""
    total: int = 0
    workload: str = ""
    """Workload whose requests `done` and `total` count in the latency phase."""
    unit: str = ""
    """What `done` and `total` count, where it is neither items nor requests."""
    stays: bool = False
    """True where the line remains after the next one is drawn."""


Notify = Callable[[Step], None]
