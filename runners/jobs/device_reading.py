"""The device memory of a job's worker, read where phases and windows end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runners.measure.device_memory import DeviceMark, DevicePhase
from runners.measure.nvml import Nvml, start
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.job import Job
    from runners.jobs.worker_process import WorkerProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReading:
    """A mark of device memory, and the worker whose memory it is."""

    mark: DeviceMark
    worker: WorkerProcess

    def follow(self, offloaded: protocol.Offloaded | None) -> None:
        """Watch the devices that the model is on, from the phase that is under way."""
        self.mark.follow(offloaded.devices if offloaded else ())

    def look(self) -> None:
        """Read between two windows of items."""
        self.mark.look(self.worker.pid)

    def end_phase(self) -> DevicePhase | None:
        """Read the phase that ends; None where nothing is on a device."""
        return self.mark.end_phase(self.worker.pid, self._own)

    def _own(self) -> dict[str, int]:
        return self.worker.ask(protocol.ReadDevice(), protocol.DeviceSaid).own_bytes


@contextmanager
def watched_device(job: Job, worker: WorkerProcess) -> Iterator[DeviceReading | None]:
    """Watch device memory where a candidate may end on a GPU; None where it cannot."""
    if not job.candidate.settings.may_use_device:
        yield None
        return
    nvml = start()
    try:
        yield DeviceReading(mark=DeviceMark(nvml), worker=worker)
    finally:
        if isinstance(nvml, Nvml):
            nvml.stop()
