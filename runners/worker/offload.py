"""Devices beside the processor, and what a runtime put on them.

Standard library only: the measured child imports this, and so does the parent.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that an installed runtime can compute on, as its library calls it."""

    name: str
    """E.g. `CUDA0`, `Vulkan1`, `MTL0`, `cuda:0`."""
    description: str
    """Name of the product, e.g. `NVIDIA GeForce RTX 4090`."""
    backend: str = ""
    """Interface that it is reached by, e.g. `CUDA`, `Vulkan`, `MTL`, `ROCm`."""
    integrated: bool = False
    """True where it is known to share the host's memory."""
    total_bytes: int | None = None
    """Memory of the device; None where the library does not say."""
    bus_id: str = ""
    """PCI address, e.g. `0000:01:00.0`; empty where there is none, or it is not told."""

    @property
    def unified(self) -> bool:
        """True of Apple's devices, whose memory is the host's.

        On Linux what an integrated device takes of the host's memory is in no peak of a process.
        """
        return self.backend in ("MTL", "Metal", "MPS")

    @property
    def nvidia(self) -> bool:
        """True of a device of NVIDIA, by its interface or its product's name."""
        return self.backend == "CUDA" or self.description.upper().startswith("NVIDIA")

    @property
    def title(self) -> str:
        """Name and product: `CUDA0 (NVIDIA GeForce RTX 4090)`."""
        return f"{self.name} ({self.description})" if self.description else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Offloaded:
    """Part of a loaded model that is on devices."""

    devices: list[Device]
    """Devices that were handed to the runtime, or that it chose."""
    layers: int | None = None
    """Layers that are on a device, the output's counted as one; None: not told."""
    layers_in_all: int | None = None
    unknown: str = ""
    """Why `layers` is None; empty where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDevice:
    """Ask a runtime for its own account of the device's memory, in the phase that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSaid:
    """The answer to `ReadDevice`."""

    own_bytes: dict[str, int] = field(default_factory=dict)
    """Bytes on devices by the runtime's own word for them: `weights`, `cache`, `compute` of
    llama.cpp; `allocated`, `reserved` of torch. Empty where it keeps no account."""
