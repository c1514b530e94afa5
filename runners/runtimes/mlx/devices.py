"""The GPU that MLX computes on, and MLX's own account of its memory, by functions of `mlx.core`."""

from __future__ import annotations

from typing import Any

from runners.worker.offload import Device, Offloaded

WHOLE = "runtime mlx puts the whole model on its device, and counts no layers"
SIZES = ("total_memory", "memory_size")
"""Keys of a device's memory: of CUDA, of Metal."""


def offloaded(core: Any, device: str) -> Offloaded | None:
    """What a model has on MLX's default device; None of the processor.

    Args:
        core: the module `mlx.core`.
        device: `cpu` or `gpu`.
    """
    if device != "gpu":
        return None
    metal = bool(core.metal.is_available())
    about = core.device_info(core.gpu)
    size = next((int(about[key]) for key in SIZES if about.get(key)), None)
    found = Device(
        name="gpu",
        description=str(about.get("device_name", "")),
        backend="MTL" if metal else "CUDA",
        integrated=metal,
        total_bytes=size,
        bus_id=str(about.get("pci_bus_id", "")).lower(),
    )
    return Offloaded(devices=[found], unknown=WHOLE)


def own_bytes(core: Any) -> dict[str, int]:
    """Peak bytes of arrays since this was last asked; what MLX keeps to use again is not in it.

    A peak that was reset is 0 until something is allocated: what is held counts, too.
    """
    found = max(int(core.get_peak_memory()), int(core.get_active_memory()))
    core.reset_peak_memory()
    return {"allocated": found}
