"""GPUs as torch finds them, and torch's own account of their memory.

Run as a program it prints the devices as JSON, for the parent, which does not import torch.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

import torch

from runners.worker.offload import Device, Offloaded

PCI = ("domain", "bus", "device")
"""Parts of an address that later releases of torch tell."""
WHOLE = "runtime hf puts the whole model on its device, and counts no layers"


def torch_devices() -> list[Device]:
    """Every CUDA or ROCm device, and Apple's."""
    found = cuda_devices(torch.cuda, "ROCm" if torch.version.hip else "CUDA")
    return found + ([_apple()] if torch.backends.mps.is_available() else [])


def cuda_devices(cuda: Any, backend: str) -> list[Device]:
    """The devices of `torch.cuda`, which ROCm builds have under that name, too."""
    if not cuda.is_available():
        return []
    return [_cuda_device(cuda, index, backend) for index in range(cuda.device_count())]


def offloaded(device: torch.device) -> Offloaded | None:
    """What a model that was moved to a device has there; None of the processor."""
    if device.type == "mps":
        return Offloaded(devices=[_apple()], unknown=WHOLE)
    if device.type != "cuda":
        return None
    backend = "ROCm" if torch.version.hip else "CUDA"
    index = torch.cuda.current_device() if device.index is None else device.index
    return Offloaded(devices=[_cuda_device(torch.cuda, index, backend)], unknown=WHOLE)


def own_bytes(device: torch.device, cuda: Any = torch.cuda) -> dict[str, int]:
    """Peak bytes of tensors (allocated) and of torch's cache (reserved) since this was last asked.

    Apple's build keeps no peak: there it is what is held now.
    """
    if device.type == "mps":
        return {
            "allocated": torch.mps.current_allocated_memory(),
            "reserved": torch.mps.driver_allocated_memory(),
        }
    if device.type != "cuda":
        return {}
    found = {
        "allocated": int(cuda.max_memory_allocated(device)),
        "reserved": int(cuda.max_memory_reserved(device)),
    }
    cuda.reset_peak_memory_stats(device)
    return found


def _cuda_device(cuda: Any, index: int, backend: str) -> Device:
    about = cuda.get_device_properties(index)
    said = (getattr(about, f"pci_{part}_id", None) for part in PCI)
    place = [part for part in said if isinstance(part, int)]
    return Device(
        name=f"cuda:{index}",
        description=str(about.name),
        backend=backend,
        integrated=bool(getattr(about, "is_integrated", False)),
        total_bytes=int(about.total_memory),
        bus_id="{:04x}:{:02x}:{:02x}.0".format(*place) if len(place) == len(PCI) else "",
    )


def _apple() -> Device:
    return Device(name="mps", description="Apple GPU", backend="MPS", integrated=True)


def main() -> int:
    """Print the devices, a list of their fields."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines.write(json.dumps([asdict(device) for device in torch_devices()]) + "\n")
    lines.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
