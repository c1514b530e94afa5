"""What was on a GPU in a run: devices, layers, device memory by phase."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runners.records.parts import Part
from runners.records.values import Bytes, Count


class DeviceInfo(Part):
    """A device beside the processor, as the runtime's library calls it."""

    name: str
    """E.g. `CUDA0`, `Vulkan1`, `MTL0`, `cuda:0`."""
    description: str = ""
    """Name of the product."""
    backend: str = ""
    """Interface that it was reached by, e.g. `CUDA`, `Vulkan`, `MTL`, `ROCm`."""
    total_bytes: Bytes | None = None


class DevicePhaseInfo(Part):
    """Device memory in one phase, of all devices together."""

    peak_bytes: Bytes | None = None
    """The most that was read; None: not measured, by the reason beside the phases."""
    own_bytes: dict[str, Bytes] = Field(default_factory=dict)
    """The runtime's own account: `weights`, `cache`, `compute` of llama.cpp's buffers, `allocated`
    and `reserved` of torch, `allocated` of MLX. It lacks what the driver itself takes."""


class GpuInfo(Part):
    """Devices that held a part of the model, and their memory."""

    devices: list[DeviceInfo]
    layers_asked: Literal["all"] | Count | None = None
    """Layers that were asked for; None: the runtime moves a model as a whole."""
    layers: Count | None = None
    """Layers that were on a device by the runtime's log, the output's counted as one."""
    layers_in_all: Count | None = None
    layers_unknown: str = ""
    """Why `layers` is None."""
    driver: str = ""
    """Version of NVIDIA's driver; empty: not known."""
    unified: bool = False
    """True of Apple's devices, which have no memory of their own: what they use is the host's."""
    source: str | None = None
    """Counter of `peak_bytes`; None: none could be read."""
    reason: str = ""
    """Why there is no figure, or none of the processes alone."""
    phases: dict[str, DevicePhaseInfo] = Field(default_factory=dict)
    """By phase, from loading on."""


def device_peak(gpu: GpuInfo | None) -> int | None:
    """The largest peak of the phases that a deployment has; None where none was measured."""
    known = [one.peak_bytes for one in _deployed(gpu) if one.peak_bytes is not None]
    return max(known, default=None)


def device_own(gpu: GpuInfo | None) -> int | None:
    """The largest sum of the runtime's own account in those phases; of torch what it reserved."""
    sums = [_sum(one.own_bytes) for one in _deployed(gpu) if one.own_bytes]
    return max(sums, default=None)


def _sum(own: dict[str, int]) -> int:
    """Buffers add up; what torch allocated lies within what it reserved."""
    return own["reserved"] if "reserved" in own else sum(own.values())


def _deployed(gpu: GpuInfo | None) -> list[DevicePhaseInfo]:
    """Scoring is left out: it keeps many sequences at once, to be done sooner."""
    phases = gpu.phases if gpu else {}
    return [phases[name] for name in ("load", "latency", "generation") if name in phases]
