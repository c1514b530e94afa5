"""Peak memory of a process tree, phase by phase, and its curve between timed workloads.

The peak is the kernel's high-water mark, never the greatest sample: a sampler misses most of a
short spike. The curve is for the eye alone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evals.errors import MeasureError
from runners.compute.procfs import PROC, optional_text
from runners.measure import linux, portable
from runners.measure.processes import gone, process_tree

if TYPE_CHECKING:
    from types import TracebackType

    from runners.measure.processes import Resident

MOST_POINTS = 2_000
"""A longer curve is thinned: at 5 Hz the first time after 400 s of sampling."""
_SYSTEM = linux if optional_text(PROC / "self" / "status") else portable


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMemory:
    """Memory of a process tree in one phase of a job."""

    peak_bytes: int
    """Sum of the processes' peaks: exact for one, an upper bound for several. Peaks of several need
    not coincide, and shared pages are counted in each."""
    anon_bytes: int | None
    """Bytes at the end of the phase not backed by a file (heap, KV cache, weights read without
    mmap)."""
    file_bytes: int | None
    """Bytes at the end of the phase backed by files (mapped weights, libraries) or shared
    memory."""
    source: str
    """Counter that the peak comes from, e.g. `VmHWM`, `VmHWM of 2 processes, summed (an upper
    bound)` or `VmHWM, not reset between phases`."""
    split_unknown: str | None = None
    """Why `anon_bytes` and `file_bytes` are None; None where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySample:
    """A point of the curve."""

    at_s: float
    """Seconds since the sampler started, on `time.perf_counter`'s clock."""
    rss_bytes: int
    anon_bytes: int | None
    """Anonymous resident memory; None where the system does not split resident memory."""
    file_bytes: int | None


def read_peak(pid: int, *, was_reset: bool = True) -> PhaseMemory:
    """The peak of a process and its living descendants since they started or were last reset.

    Args:
        pid: root of the tree. A descendant that has already exited is not counted.
        was_reset: False when `reset_peak` failed at the start of this phase; then `source` says so.

    Raises:
        MeasureError: the process has exited.
    """
    held = _tree_resident(pid)
    anon = _total([one.anon_bytes for one in held])
    file = _total([one.file_bytes for one in held])
    known = anon is not None and file is not None
    source = held[0].source
    if len(held) > 1:
        source += f" of {len(held)} processes, summed (an upper bound)"
    return PhaseMemory(
        peak_bytes=sum(one.peak_bytes for one in held),
        anon_bytes=anon if known else None,
        file_bytes=file if known else None,
        source=source if was_reset else f"{source}, not reset between phases",
        split_unknown=None if known else "this system does not split resident memory",
    )


def peak_so_far(pid: int) -> int | None:
    """The peak of a process and its descendants in bytes; None where the kernel keeps none.

    Raises:
        MeasureError: the process has exited.
    """
    return read_peak(pid).peak_bytes if _SYSTEM.keeps_peaks() else None


def reset_peak(pid: int) -> bool:
    """Set the peak of a process and its living descendants to what they hold now.

    Returns:
        True when the next `read_peak` is of the next phase alone. What is held over from the last
        phase is part of the next one's peak, as it should be.

    Raises:
        MeasureError: the process has exited.
    """
    _tree_resident(pid)  # the kernel accepts a zombie's reset, which would hide that it has exited
    done = [(one, _SYSTEM.reset(one)) for one in process_tree(pid)]
    # A descendant that exits meanwhile cannot be reset and need not be.
    return all(ok or _SYSTEM.resident(one) is None for one, ok in done)


class MemoryMark:
    """The high-water mark of one process tree, read and reset at each boundary between phases.

    Where the kernel keeps none, there is nothing to read, and no phase has a peak.
    """

    def __init__(self, pid: int | None) -> None:
        """Without a process, one that is not there yet is measured: `follow` names it."""
        self._pid = pid
        self._keeps = _SYSTEM.keeps_peaks()
        self._was_reset = True  # a process that has just started carries nothing over

    def follow(self, pid: int) -> None:
        """Take another root for the phase that is under way; what it held until now counts."""
        self._pid = pid
        self._was_reset = True  # it has started in this phase

    @property
    def is_reset(self) -> bool:
        """True where the next peak will be of the next phase alone."""
        return self._was_reset

    def end_phase(self) -> PhaseMemory | None:
        """Read the phase that ends here and begin the next; None without a process, or a peak.

        Raises:
            MeasureError: the process has exited.
        """
        if self._pid is None or not self._keeps:
            return None
        phase = read_peak(self._pid, was_reset=self._was_reset)
        self._was_reset = reset_peak(self._pid)
        return phase


class Curve:
    """A series that stays below a number of points and keeps its maxima.

    When it is full, each pair of neighbours becomes the greater of the two, and from then on twice
    as many new samples share a point. Every point is a sample that was seen, at its own time.
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        if most < 2:
            raise ValueError(f"a curve of at most {most} points cannot be thinned (give 2 or more)")
        self._most = most
        self._points: list[MemorySample] = []
        self._each = 1
        self._pending: list[MemorySample] = []

    def add(self, sample: MemorySample) -> None:
        """Append a sample, which must be later than all before."""
        self._pending.append(sample)
        if len(self._pending) < self._each:
            return
        self._points.append(_greatest(self._pending))
        self._pending.clear()
        if len(self._points) >= self._most:
            points = self._points
            self._points = [_greatest(points[i : i + 2]) for i in range(0, len(points), 2)]
            self._each *= 2

    @property
    def points(self) -> tuple[MemorySample, ...]:
        """The series so far, in order of time; at most `most` points."""
        last = [_greatest(self._pending)] if self._pending else []
        return (*self._points, *last)


class MemorySampler:
    """Samples a process tree from a thread, only between `resume` and `pause`.

    It starts paused. Paused, the thread blocks on a condition and wakes for nothing, so that
    it takes no time from a workload that is being timed. When the process exits, the series ends.
    """

    def __init__(self, pid: int, interval_s: float = 0.2) -> None:
        self._pid = pid
        self._interval_s = interval_s
        self._start_s = time.perf_counter()
        self._curve = Curve()
        self._turn = threading.Condition()
        self._wanted = False
        self._idle = True
        self._stopped = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="memory-sampler", daemon=True)

    def __enter__(self) -> Self:
        self._start_s = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._turn:
            self._stopped = True
            self._turn.notify_all()
        self._thread.join()

    def resume(self) -> None:
        """Sample from now on."""
        with self._turn:
            self._wanted = True
            self._idle = self._ended or not self._thread.is_alive()
            self._turn.notify_all()

    def pause(self) -> None:
        """Sample no more. When this returns, the thread has come to rest."""
        with self._turn:
            self._wanted = False
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._idle)

    @property
    def series(self) -> tuple[MemorySample, ...]:
        """The points sampled so far, at most `MOST_POINTS`."""
        with self._turn:
            return self._curve.points

    def _run(self) -> None:
        with self._turn:
            try:
                while not self._stopped:
                    if self._wanted:
                        self._curve.add(self._sample())
                        self._turn.wait(self._interval_s)
                    else:
                        self._idle = True
                        self._turn.notify_all()
                        self._turn.wait()
            except MeasureError:
                return  # the process has exited: the job learns of that on its pipe
            finally:
                self._idle = self._ended = True
                self._turn.notify_all()

    def _sample(self) -> MemorySample:
        held = _tree_resident(self._pid)
        return MemorySample(
            at_s=time.perf_counter() - self._start_s,
            rss_bytes=sum(one.rss_bytes for one in held),
            anon_bytes=_total([one.anon_bytes for one in held]),
            file_bytes=_total([one.file_bytes for one in held]),
        )


def _tree_resident(pid: int) -> list[Resident]:
    root, *descendants = process_tree(pid)
    first = _SYSTEM.resident(root)
    if first is None:
        raise gone(pid)
    others = [_SYSTEM.resident(one) for one in descendants]
    return [first, *(one for one in others if one is not None)]


def _total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _greatest(samples: list[MemorySample]) -> MemorySample:
    return max(samples, key=lambda sample: sample.rss_bytes)
