"""Progress on stderr, drawn when a message arrives and never in between.

A progress bar that redraws itself from a thread would take time from the worker.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from evals.terminal import printable, unguarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.jobs.job import Job
    from runners.jobs.measured import Step

DRAW_EVERY_S = 0.5


class TimeLeft:
    """Estimates the time left of a batch, by its finished jobs and by the items that are answered.

    Repeats that answer no task are shorter than first runs, so they are a kind of their own.
    """

    def __init__(self, repeats: Sequence[bool]) -> None:
        """Start.

        Args:
            repeats: of each job in order, whether it answers no task.
        """
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
            self._scoring = None
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
            usual.setdefault(True, sum(self._timed_s) / len(self._timed_s))
        if not usual or (left_s is None and usual.keys() == {True} and not kind):
            return None
        longest = max(usual.values())
        if left_s is None:
            left_s = max(0.0, usual.get(kind, longest) - elapsed_s)
        return left_s + sum(usual.get(one, longest) for one in self._kinds[position + 1 :])

    def _of_this(self, now: float) -> float | None:
        """Seconds for the items that this job still answers; None before any was answered."""
        if self._scoring is None:
            return None
        since, first, done, total = self._scoring
        if done <= first or now - since < 2:
            return None
        return (total - done) * (now - since) / (done - first)


class ProgressLines:
    """One line that is redrawn on a terminal; elsewhere a line a phase and a task."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or unguarded(sys.stderr)
        self._live = self._stream.isatty()
        self._shown = ""
        self._last_key = ""
        self._last_s = 0.0
        self._left = TimeLeft(())

    def plan(self, jobs: Sequence[Job]) -> None:
        """Say which jobs will run, in their order, so that the time of all can be told."""
        self._left = TimeLeft([not job.scores for job in jobs])

    def step(self, job: Job, step: Step) -> None:
        """A job has come to a phase, a task, or to more answered items."""
        now = time.monotonic()
        self._left.step(job.position, step, now)
        counted = "candidates" if job.jobs == 1 or self._left.once else "runs"
        place = f"{job.position + 1}/{job.jobs} {counted}"
        repeat = f" (repeat {job.repeat + 1})" if job.jobs > 1 and job.repeat else ""
        name = f"{job.candidate.name}{repeat}"
        where = f"{place} · {name}"
        if step.stays:
            self.say(f"{where}  {step.phase}")
            return
        what = " ".join(word for word in (step.phase, step.task, step.workload) if word)
        count = ""
        if step.total:
            count = f"  {step.done}/{step.total} {'requests' if step.workload else 'items'}"
        left_s = self._left.seconds(job.position, now)
        left = "" if left_s is None else f"about {format_duration(max(1.0, left_s))} left in all · "
        self._draw(f"{place} · {left}{name}  {what}{count}", key=f"{where}{what}")

    def transfer(self, name: str, done_bytes: int, total_bytes: int | None, /) -> None:
        """A download goes on (the callback that `evals.fetch.artifact.fetch` wants)."""
        from leaderboard.units import format_mib

        of = f" of {format_mib(total_bytes)}" if total_bytes else ""
        # A file that is used where it is is only hashed: nothing is fetched.
        what = name if name.startswith("sha256 of ") else f"fetching {name}"
        self._draw(f"{what}: {format_mib(done_bytes)}{of}", key=what)

    def say(self, text: str) -> None:
        """A line that stays; on a terminal wrapped between words."""
        self._clear()
        lines = _wrapped(printable(text)) if self._live else [printable(text)]
        self._write("\n".join(lines) + "\n")

    def end(self) -> None:
        """Take the redrawn line away."""
        self._clear()

    def _draw(self, text: str, *, key: str) -> None:
        now = time.monotonic()
        text = printable(text)
        if not self._live:
            # Into a log: what changed, not every count.
            if key != self._last_key:
                self._write(text + "\n")
        elif key != self._last_key or now - self._last_s >= DRAW_EVERY_S:
            self._clear()
            self._shown = _fit(text)
            self._write(self._shown)
            self._last_s = now
        self._last_key = key

    def _clear(self) -> None:
        if self._shown:
            self._write("\r\x1b[2K")
            self._shown = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def format_duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _wrapped(text: str) -> list[str]:
    import shutil

    from runners.cli.layout import wrapped

    return wrapped(text, shutil.get_terminal_size().columns - 1)


def _fit(text: str) -> str:
    """Cut to the terminal's width: a wrapped line cannot be taken away again."""
    import shutil

    width = shutil.get_terminal_size().columns - 1
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
