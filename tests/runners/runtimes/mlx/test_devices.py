"""MLX's GPU and its account of memory, by recorded answers of `mlx.core`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from runners.measure.device_memory import UNIFIED, DeviceMark
from runners.runtimes.mlx.devices import WHOLE, offloaded, own_bytes
from runners.runtimes.mlx.spec import SPEC, MlxSettings
from runners.worker.offload import Device

GIB = 2**30
# The keys of MLX 0.32's device_info.h: of Metal `memory_size`, of CUDA the address, too.
APPLE = {"device_name": "Apple M3", "memory_size": 16 * GIB}
NVIDIA = {
    "device_name": "NVIDIA L4", "total_memory": 24 * GIB, "pci_bus_id": "0000:C1:00.0",
}  # fmt: skip


class RecordedCore:
    """`mlx.core` with 2 GiB of arrays, whose peak was 3."""

    gpu = "gpu"

    def __init__(self, about: dict[str, Any], *, metal: bool = True) -> None:
        self.metal = SimpleNamespace(is_available=lambda: metal)
        self.about, self.peak = about, 3 * GIB

    def device_info(self, _device: str) -> dict[str, Any]:
        return self.about

    def get_peak_memory(self) -> int:
        return self.peak

    def get_active_memory(self) -> int:
        return 2 * GIB

    def reset_peak_memory(self) -> None:
        self.peak = 0


def test_on_a_mac_the_whole_model_is_on_its_gpu():
    found = offloaded(RecordedCore(APPLE), "gpu")
    assert found is not None
    assert found.devices == [
        Device(
            name="gpu", description="Apple M3", backend="MTL", integrated=True,
            total_bytes=16 * GIB,
        )
    ]  # fmt: skip
    assert (found.layers, found.unknown) == (None, WHOLE)
    mark = DeviceMark("no NVML")
    mark.follow(found.devices)
    phase = mark.end_phase(1, dict)
    assert phase is not None
    assert phase.reason == UNIFIED


def test_on_cuda_it_is_a_device_that_nvml_knows():
    found = offloaded(RecordedCore(NVIDIA, metal=False), "gpu")
    assert found is not None
    (device,) = found.devices
    assert (device.nvidia, device.unified, device.bus_id) == (True, False, "0000:c1:00.0")
    assert device.total_bytes == 24 * GIB


def test_on_the_processor_nothing_is_on_a_device():
    assert offloaded(RecordedCore(APPLE), "cpu") is None


def test_peaks_are_those_since_they_were_last_asked_and_never_less_than_what_is_held():
    core = RecordedCore(APPLE)
    assert own_bytes(core) == {"allocated": 3 * GIB}
    # The peak was reset, and nothing was allocated since: 2 GiB are still there.
    assert own_bytes(core) == {"allocated": 2 * GIB}


def test_unless_the_processor_is_named_its_device_is_watched():
    assert SPEC.tells_gpu
    assert MlxSettings().may_use_device
    assert MlxSettings(device="gpu").may_use_device
    assert not MlxSettings(device="cpu").may_use_device
