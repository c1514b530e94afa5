"""How long a candidate takes: for what is always done, for its timed phases, for an item.

The one forecast of `weighin run --time` and of `--dry-run`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.jobs.measured import Notify, Step
    from runners.records.record import Record

ANSWERING = ("scoring", "generation")
ALWAYS = ("", "baseline", "load", *ANSWERING)
"""Phases of every process, with what comes before the first and after the last item; the others
come once a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds that one candidate takes on this machine."""

    process_s: float
    """For a process: it starts, loads the weights, ends, and its answers are put together."""
    timed_s: float
    """For the suite's timed workloads, once."""
    item_s: Mapping[str, float]
    """For an item of each task or group; of a name that is missing their mean."""

    def answering_s(self, items: Mapping[str, int]) -> float:
        """Seconds to answer so many items of each task or group; other work is not in it."""
        return math.fsum(count * self.per_item(name) for name, count in items.items())

    def per_item(self, name: str) -> float:
        """Seconds for an item of one task or group."""
        known = self.item_s.values()
        return self.item_s.get(name, math.fsum(known) / len(known) if known else 0.0)

    def run_s(self, items: Mapping[str, int], repeats: int = 1) -> float:
        """Seconds for one run that answers these items, and for repeats that are timed alone."""
        return repeats * (self.process_s + self.timed_s) + self.answering_s(items)


def recorded_pace(record: Record) -> Pace | None:
    """The pace of an earlier run; None where it does not tell.

    A record holds the seconds of all its items together, so every task has their mean. One that
    several processes made knows that of its likelihood tasks alone.
    """
    items = sum(task.n for task in record.accuracy.values())
    pieces = record.job.resumed > 0
    if not record.job.seconds or not items or record.load is None or (pieces and record.answers):
        return None
    load = record.load
    process_s = (load.ready_s or 0.0) + (load.load_s or 0.0)
    requests_s = timed_s(record)
    left_s = max(0.0, record.job.seconds - process_s - requests_s)
    if pieces:
        left_s = record.engine.scoring_s if record.engine else 0.0
    parts = {task.group for task in record.accuracy.values()}
    item_s = dict.fromkeys(sorted(parts), left_s / items)
    return Pace(process_s=process_s, timed_s=requests_s, item_s=item_s)


def timed_s(record: Record) -> float:
    """Seconds that the requests of a run's timed workloads took, warm-ups included."""
    return math.fsum(
        one.token_s[-1]
        for workload in record.latency.values()
        for one in (*workload.warmups, *workload.repeats)
        if one.token_s
    )


@dataclass(slots=True)
class Stopwatch:
    """Seconds of one job by phase and task, told by the steps that it reports."""

    now: Callable[[], float]
    parts: Mapping[str, str]
    """Task -> the task or group that it counts in."""
    spent_s: dict[tuple[str, str], float] = field(default_factory=dict)
    answered: bool = False
    """True where the job answered an item of a task."""
    _at: tuple[str, str] = ("", "")
    _since_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin with what comes before the first step."""
        self._since_s = self.now()

    def following(self, notify: Notify) -> Notify:
        """The same notification, which is timed, too."""

        def notified(step: Step) -> None:
            self._turn(step.phase, self.parts.get(step.task, step.task))
            notify(step)

        return notified

    def pace(self, items: Mapping[str, int], before: Pace | None) -> Pace:
        """The pace of the job that ends now.

        Args:
            items: by task or group, that it answered anew.
            before: what is known from earlier jobs, for what this one did not do.
        """
        self._turn("", "")
        item_s = {} if before is None else dict(before.item_s)
        always_s = 0.0
        for (phase, part), seconds in self.spent_s.items():
            if phase in ANSWERING and part in items:
                if items[part]:
                    item_s[part] = seconds / items[part]
            elif phase in ALWAYS:
                always_s += seconds
        timed_s = self.spent_s.get(("latency", ""), 0.0)
        return Pace(
            process_s=always_s,
            timed_s=timed_s or (before.timed_s if before else 0.0),
            item_s=item_s,
        )

    def _turn(self, phase: str, part: str) -> None:
        now = self.now()
        self.spent_s[self._at] = self.spent_s.get(self._at, 0.0) + now - self._since_s
        self._at, self._since_s = (phase, part), now
        self.answered |= phase in ANSWERING and bool(part)
