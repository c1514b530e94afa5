"""The GPU that a fake says it has. Pure."""

from __future__ import annotations

from runners.runtimes.fake.options import Options
from runners.worker.offload import Device, Offloaded
from runners.worker.runtime import WorkerError


def fake_devices(description: str) -> list[Device]:
    """Its one device; none without a description."""
    if not description:
        return []
    return [Device(name="FAKE0", description=description, backend="FAKE")]


def fake_offload(options: Options, gpu_layers: int | str) -> Offloaded | None:
    """Layers that go to its GPU; None where none was asked for.

    Raises:
        WorkerError: layers are asked for, and it has no GPU.
    """
    if not gpu_layers:
        return None
    devices = fake_devices(options.device)
    if not devices:
        raise WorkerError("the fake has no GPU; settings: {fake: {device: NAME}}")
    asked = options.layers if gpu_layers == "all" else int(gpu_layers)
    layers = min(asked, options.layers, options.most_layers)
    return Offloaded(devices=devices, layers=layers, layers_in_all=options.layers)


def fake_bytes(options: Options, offloaded: Offloaded | None) -> dict[str, int]:
    """Bytes on its GPU by its own account."""
    if offloaded is None or offloaded.layers is None:
        return {}
    return {"weights": offloaded.layers * options.layer_bytes}
