"""What else the machine did while something was timed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from runners.jobs.measured import TimedPhase
from runners.measure.noise import cpu_seconds, noise_between, read_noise

if TYPE_CHECKING:
    from runners.measure.noise import Noise
    from runners.worker import protocol


@dataclass(slots=True)
class Disturbance:
    """What else the machine did in a timed phase; empty until the phase is over."""

    noise: Noise | None = None
    readings: dict[str, Any] = field(default_factory=dict)

    def timed(
        self,
        times: dict[str, protocol.LatencyTimes],
        skipped: list[str],
        first_token_s: float | None,
    ) -> TimedPhase:
        """The phase with its times, as the job keeps it."""
        return TimedPhase(
            times=times,
            skipped=skipped,
            first_token_s=first_token_s,
            noise=self.noise,
            readings=self.readings,
        )


@contextmanager
def disturbance() -> Iterator[Disturbance]:
    """Read the machine's counters before and after a timed phase, however it ends."""
    own, found = [os.getpid()], Disturbance()
    before, cpu_before, started = read_noise(), cpu_seconds(own), time.perf_counter()
    try:
        yield found
    finally:
        after, elapsed_s = read_noise(), time.perf_counter() - started
        own_cpu_s = cpu_seconds(own) - cpu_before
        found.noise = noise_between(before, after, own_cpu_s=own_cpu_s, elapsed_s=elapsed_s)
        found.readings = {"before": asdict(before), "after": asdict(after)}
