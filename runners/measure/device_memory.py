"""Device memory of a process tree, phase by phase.

A driver keeps no high-water mark that could be reset. What a phase took is read while it is still
held: when the phase ends, and between two windows of items. llama.cpp's buffers and torch's cache
last that long; what was given back before is in the runtime's own account at best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evals.errors import MeasureError
from runners.measure.nvml import Nvml
from runners.measure.processes import process_tree
from runners.worker.offload import Device

BY_PROCESS = "NVML, by process, read when the phase ended"
DIFFERENCE = "NVML, the device's use less that before the model was loaded"
UNIFIED = "unified memory: the device has none of its own, what it uses is the host's"
SHARED = "it shares the host's memory, which the kernel does not count in the process's peak"
NOT_NVIDIA = "no counter by process is read for this kind of device (NVIDIA's alone is)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePhase:
    """Device memory in one phase."""

    peak_bytes: int | None
    """The most that was seen; None: not measured."""
    source: str = ""
    """Counter that it comes from; empty where there is none."""
    reason: str = ""
    """Why there is no figure of the processes alone."""
    own_bytes: dict[str, int] = field(default_factory=dict)
    """The runtime's own account, by its words."""
    driver: str = ""
    """Version of NVIDIA's driver; empty: not known."""


class DeviceMark:
    """The device memory of a worker, read at each boundary between phases."""

    def __init__(self, nvml: Nvml | str) -> None:
        """Read what the devices hold before a model is there.

        Args:
            nvml: as `runners.measure.nvml.start` gives it, with the reason where there is none.
        """
        self._nvml = nvml
        self._devices: tuple[Device, ...] = ()
        self._before: dict[tuple[str, ...], int | None] = {}
        self._most: int | None = None
        if isinstance(nvml, Nvml):
            ids = {card.bus_id for card in nvml.cards}
            for wanted in [(), *((one,) for one in ids)]:
                self._before[wanted] = nvml.used(wanted).bytes

    def follow(self, devices: Sequence[Device]) -> None:
        """Take the devices that the loaded model is on."""
        self._devices = tuple(devices)

    def look(self, pid: int) -> None:
        """Read between two windows, since the greatest counts.

        Args:
            pid: root of the tree.
        """
        if self._devices:
            now = self._read(pid).peak_bytes
            self._most = max(self._most or 0, now) if now is not None else self._most

    def end_phase(self, pid: int, own: Callable[[], dict[str, int]]) -> DevicePhase | None:
        """Read the phase that ends here and begin the next; None before a model is on a device.

        Args:
            pid: root of the tree.
            own: asks the runtime for its own account.
        """
        if not self._devices:
            return None
        now = self._read(pid)
        known = [one for one in (self._most, now.peak_bytes) if one is not None]
        self._most = None
        return DevicePhase(
            peak_bytes=max(known, default=None),
            source=now.source,
            reason=now.reason,
            own_bytes=own(),
            driver=self._nvml.driver if isinstance(self._nvml, Nvml) else "",
        )

    def _read(self, pid: int) -> DevicePhase:
        if why := _not_counted(self._devices):
            return DevicePhase(peak_bytes=None, reason=why)
        if not isinstance(self._nvml, Nvml):
            return DevicePhase(peak_bytes=None, reason=self._nvml)
        try:
            held = self._nvml.held(process_tree(pid), self._addresses)
        except MeasureError as error:
            return DevicePhase(peak_bytes=None, reason=str(error))
        if held.bytes is not None:
            return DevicePhase(peak_bytes=held.bytes, source=BY_PROCESS)
        return self._difference(self._nvml, held.reason)

    @property
    def _addresses(self) -> tuple[str, ...]:
        """PCI addresses of all devices; empty where one is not known."""
        known = tuple(one.bus_id for one in self._devices if one.bus_id)
        return known if len(known) == len(self._devices) else ()

    def _difference(self, nvml: Nvml, reason: str) -> DevicePhase:
        """What the devices hold more than before; everything else that runs there is in it."""
        wanted = self._addresses if len(self._addresses) == 1 else ()
        before, now = self._before.get(wanted), nvml.used(wanted)
        if before is None or now.bytes is None:
            return DevicePhase(peak_bytes=None, reason=f"{reason}; {now.reason}".strip("; "))
        return DevicePhase(peak_bytes=max(0, now.bytes - before), source=DIFFERENCE, reason=reason)


def _not_counted(devices: Sequence[Device]) -> str:
    """Why no counter is read for these devices; empty where NVML may have them."""
    if all(one.unified for one in devices):
        return UNIFIED
    others = [one for one in devices if not one.nvidia]
    if others and all(one.integrated for one in others):
        return f"{others[0].title}: {SHARED}"
    return NOT_NVIDIA if others else ""
