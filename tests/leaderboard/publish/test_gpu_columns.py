"""Columns of a download that tell of GPUs, and that other runs do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.publish.flat import flat_record
from runners.records.gpu import DeviceInfo, DevicePhaseInfo, GpuInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_a_run_on_a_gpu_has_its_devices_and_the_source_of_its_figures(made: Maker):
    gpu = GpuInfo(
        devices=[DeviceInfo(name="CUDA0", description="NVIDIA A100"), DeviceInfo(name="CUDA1")],
        layers=31, layers_in_all=33, source="NVML",
        phases={"latency": DevicePhaseInfo(peak_bytes=7, own_bytes={"weights": 5})},
    )  # fmt: skip
    flat = flat_record(made.record(gpu=gpu))
    told = {key: value for key, value in flat.items() if key.startswith(("gpu", "vram"))}
    assert told == {
        "vram_bytes": 7, "gpu_buffers_bytes": 5, "gpu.devices": "NVIDIA A100; CUDA1",
        "gpu.layers": 31, "gpu.layers_in_all": 33, "gpu.source": "NVML",
    }  # fmt: skip


def test_a_run_without_one_has_no_such_column(made: Maker):
    flat = flat_record(made.record())
    assert not [key for key in flat if key.startswith("gpu.")]
    assert (flat["vram_bytes"], flat["gpu_buffers_bytes"]) == (None, None)
