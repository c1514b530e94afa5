"""Time left of a batch: told by what it has done so far, or given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.jobs.job import Job
    from runners.jobs.measured import Step


class Left(Protocol):
    """Time left of a batch, as the terminal and the board show it."""

    @property
    def once(self) -> bool:
        """True where each candidate runs once, as far as the jobs are known."""
        ...

    def step(self, position: int, step: Step, now: float) -> None:
        """Note where a job stands."""
        ...

    def seconds(self, position: int, now: float) -> float | None:
        """Seconds until the last job ends; None while nothing tells."""
        ...


RESERVE = (0.04, 3.0, 15.0)
"""Part of a given time that is kept for the records and the answer: a share, seconds at least, and
at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTime:
    """Time that somebody gave to a whole comparison: a `Left` that needs no estimate."""

    given_s: float
    used_before_s: float = 0.0
    """Seconds that an earlier process used up."""
    started_s: float
    """When this process began, by `now`."""
    now: Callable[[], float] = time.monotonic
    once: bool = True

    @property
    def used_s(self) -> float:
        """Seconds that are over, of all processes."""
        return self.used_before_s + self.now() - self.started_s

    @property
    def end_s(self) -> float:
        """Seconds after which nothing is asked any more."""
        share, least, most = RESERVE
        return self.given_s - min(most, max(least, share * self.given_s))

    @property
    def left_s(self) -> float:
        """Seconds in which something may still be asked; negative when they are over."""
        return self.end_s - self.used_s

    @property
    def share(self) -> float:
        """Share of the time that is over, at most 1."""
        return min(1.0, self.used_s / self.end_s)

    def step(self, position: int, step: Step, now: float) -> None:
        """Nothing to note: the clock alone tells."""

    def seconds(self, position: int, now: float) -> float | None:  # noqa: ARG002
        """Seconds until all of it ends."""
        return max(0.0, self.given_s - self.used_before_s - (now - self.started_s))


class TimeLeft:
    """Estimates the time left of a batch, by its finished jobs and by the items that are answered.

    Repeats that answer no task are shorter than first runs, so they are a kind of their own.
    """

    def __init__(self, repeats: Sequence[bool], users_s: float = 0.0) -> None:
        """Start.

        Args:
            repeats: of each job in order, whether it answers no task.
            users_s: seconds at least that each job's several users take, after everything else.
        """
        self._users_s = users_s
        self._users_from: float | None = None
        """Moment when this job's several users began; None: they have not."""
        self._kinds = list(repeats)
        self._took_s: dict[bool, list[float]] = {False: [], True: []}
        self._started: dict[int, float] = {}
        self._timed_s: list[float] = []
        """How long first runs took until they began to answer tasks, as long as a repeat takes."""
        self._scoring: tuple[float, int, int, int] | None = None

    @property
    def once(self) -> bool:
        """True where each candidate runs once, as far as the jobs are known."""
        return bool(self._kinds) and not any(self._kinds)

    def step(self, position: int, step: Step, now: float) -> None:
        """Note where a job stands; the one before it has ended.

        A job that was in the store takes no step, and so is no measure of time.
        """
        if position not in self._started:
            self._end(now)
            self._started[position] = now
            self._scoring = self._users_from = None
        if step.unit and self._users_from is None:
            self._users_from = now
        if step.total and not step.workload:
            if self._scoring is None:
                self._timed_s.append(now - self._started[position])
            since, first = (now, step.done) if self._scoring is None else self._scoring[:2]
            self._scoring = since, first, step.done, step.total

    def _end(self, now: float) -> None:
        last = max(self._started, default=None)
        if last is not None and last < len(self._kinds):
            self._took_s[self._kinds[last]].append(now - self._started[last])

    def seconds(self, position: int, now: float) -> float | None:
        """Seconds until the last job ends; None while nothing tells."""
        if position >= len(self._kinds):
            return self._of_this(now)
        elapsed_s = now - self._started.get(position, now)
        usual = {kind: sum(t) / len(t) for kind, t in self._took_s.items() if t}
        kind = self._kinds[position]
        left_s = self._of_this(now)
        if left_s is not None:
            usual.setdefault(kind, elapsed_s + left_s)
        if self._timed_s:
            usual.setdefault(True, sum(self._timed_s) / len(self._timed_s) + self._users_s)
        if not usual or (left_s is None and usual.keys() == {True} and not kind):
            return None
        longest = max(usual.values())
        if left_s is None:
            left_s = max(0.0, usual.get(kind, longest) - elapsed_s)
        return left_s + sum(usual.get(one, longest) for one in self._kinds[position + 1 :])

    def _of_this(self, now: float) -> float | None:
        """Seconds for what this job still answers; None before any item was answered."""
        if self._users_from is not None:
            return max(0.0, self._users_s - (now - self._users_from))
        if self._scoring is None:
            return None
        since, first, done, total = self._scoring
        if done <= first or now - since < 2:
            return None
        return (total - done) * (now - since) / (done - first) + self._users_s


def time_left(jobs: Sequence[Job]) -> TimeLeft:
    """An estimate for these jobs, in their order."""
    longest = max((job.users_s for job in jobs), default=0.0)
    return TimeLeft([not job.scores for job in jobs], longest)
