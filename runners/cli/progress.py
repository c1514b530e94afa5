"""Progress on stderr, drawn when a message arrives and never in between.

A progress bar that redraws itself from a thread would take time from the worker.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from evals.terminal import printable, unguarded, wrapped
from leaderboard.units import format_duration
from runners.batches.time_left import TimeLeft, time_left

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.batches.time_left import Left
    from runners.jobs.job import Job
    from runners.jobs.measured import Step

DRAW_EVERY_S = 0.5


class ProgressLines:
    """One line that is redrawn on a terminal; elsewhere a line a phase and a task."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or unguarded(sys.stderr)
        self._live = self._stream.isatty()
        self._shown = ""
        self._last_key = ""
        self._last_s = 0.0
        self._left: Left = TimeLeft(())

    def given(self, left: Left) -> None:
        """Say how much time there is, where that is known."""
        self._left = left

    def plan(self, jobs: Sequence[Job]) -> None:
        """Say which jobs will run, in their order, so that the time of all can be told."""
        self._left = time_left(jobs)

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
            unit = step.unit or ("requests" if step.workload else "items")
            count = f"  {step.done}/{step.total} {unit}"
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


def _wrapped(text: str) -> list[str]:
    import shutil

    return wrapped(text, shutil.get_terminal_size().columns - 1)


def _fit(text: str) -> str:
    """Cut to the terminal's width: a wrapped line cannot be taken away again."""
    import shutil

    width = shutil.get_terminal_size().columns - 1
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
