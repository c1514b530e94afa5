"""The boundaries between a job's phases: memory, energy and the control group are read at each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evals.errors import MeasureError
from runners.jobs.measured import AnsweredWindow, Begun, Measured, Notify, PhaseMarks, Step
from runners.jobs.own_contexts import OpenedContext
from runners.measure.memory import PhaseMemory

if TYPE_CHECKING:
    from runners.jobs.device_reading import DeviceReading
    from runners.measure.energy import EnergyMeter
    from runners.measure.group_usage import GroupMark
    from runners.measure.memory import MemoryMark
    from runners.records.record import Phase

NOT_ENDED = "the phase did not end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Counters that are read and begun anew at each boundary between phases."""

    process: MemoryMark
    energy: EnergyMeter
    group: GroupMark | None
    device: DeviceReading | None = None
    """None where the candidate cannot end on a GPU."""

    @contextmanager
    def phase(self, phase: Phase, measured: Measured, notify: Notify) -> Iterator[None]:
        """Measure one phase; one that breaks off has what can still be read of it."""
        measured.add(Begun(phase=phase))
        notify(Step(phase=phase))
        self.energy.take()
        try:
            yield
        except BaseException:
            measured.add(self._read(phase, measured, self._broken_off(phase, measured)))
            raise
        memory = self.process.end_phase()
        peaks = _peaks(phase, measured)
        whole = _at_least(memory, peaks) if memory is not None else None
        marks = self._read(phase, measured, whole)
        device = self.device.end_phase() if self.device is not None else None
        measured.add(replace(marks, device=device))

    def _read(self, phase: Phase, measured: Measured, memory: PhaseMemory | None) -> PhaseMarks:
        joules = self.energy.take()
        # The baseline began before the meter did, and a kept window's process had its own.
        if phase == "baseline" or any(window.kept for window in _windows(phase, measured)):
            joules = None
        group = self.group.end_phase() if self.group is not None else None
        return PhaseMarks(phase=phase, memory=memory, joules=joules, group=group)

    def _broken_off(self, phase: Phase, measured: Measured) -> PhaseMemory | None:
        """The greatest peak that was read until the phase broke off."""
        peaks = _peaks(phase, measured)
        source = next((memory.source for memory in measured.memory.values()), "")
        try:
            now = self.process.end_phase()
        except MeasureError:  # the worker is gone, and with it its high-water mark
            pass
        else:
            if now is not None:
                peaks.append(now.peak_bytes)
                source = now.source
        if not peaks:
            return None
        return PhaseMemory(
            peak_bytes=max(peaks),
            anon_bytes=None,
            file_bytes=None,
            source=source,
            split_unknown=NOT_ENDED,
        )


def _windows(phase: Phase, measured: Measured) -> list[AnsweredWindow]:
    return [window for window in measured.all(AnsweredWindow) if window.phase == phase]


def _peaks(phase: Phase, measured: Measured) -> list[int]:
    """Peaks that were read within a phase: after its windows, and where the mark began anew."""
    opened = [one for one in measured.all(OpenedContext) if one.phase == phase]
    found = [w.peak_bytes for w in _windows(phase, measured)] + [o.before_bytes for o in opened]
    return [peak for peak in found if peak is not None]


def _at_least(memory: PhaseMemory, peaks: Sequence[int]) -> PhaseMemory:
    """The peak of a resumed phase is the greatest of the processes that worked on it."""
    return replace(memory, peak_bytes=max([memory.peak_bytes, *peaks]))
