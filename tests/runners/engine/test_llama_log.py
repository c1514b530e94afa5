"""What llama.cpp's log says of layers and buffers on devices.

The lines are those of llama.cpp 0c1e570 with a Vulkan device (llvmpipe) and SmolLM2-135M in Q8_0;
of CUDA and Metal as their sources write them.
"""

from __future__ import annotations

import pytest

from runners.engine.llama_log import offloaded, own_bytes, used_devices
from runners.worker.offload import Device

MIB = 2**20
VULKAN = Device(name="Vulkan0", description="llvmpipe (LLVM 15.0.6, 256 bits)", backend="Vulkan")
LOADING = [
    "load_tensors: offloading output layer to GPU",
    "load_tensors: offloading 29 repeating layers to GPU",
    "load_tensors: offloaded 31/31 layers to GPU",
    "load_tensors:   CPU_Mapped model buffer size =    28.69 MiB",
    "load_tensors:      Vulkan0 model buffer size =   136.40 MiB",
]
CONTEXT = [
    "llama_context: Vulkan_Host  output buffer size =     0.19 MiB",
    "llama_kv_cache:    Vulkan0 KV buffer size =    11.25 MiB",
    "sched_reserve:    Vulkan0 compute buffer size =    98.25 MiB",
    "sched_reserve: Vulkan_Host compute buffer size =     2.76 MiB",
]


def test_the_devices_are_those_that_it_says_it_uses():
    lines = [
        "llama_prepare_model_devices: skipping device Vulkan1 (NVIDIA A100) with id 0000:c1:00.0 - "
        "already using device CUDA0 (NVIDIA A100) with the same id",
        "llama_prepare_model_devices: using device CUDA0 (NVIDIA A100) (0000:c1:00.0) - 9 MiB free",
    ]
    cuda, twin = (Device(name=name, description="NVIDIA A100") for name in ("CUDA0", "Vulkan1"))
    assert used_devices(lines, [twin, cuda]) == [cuda]
    assert used_devices([], [twin, cuda]) == [twin, cuda]


def test_the_layers_of_a_real_log():
    found = offloaded(LOADING, [VULKAN])
    assert (found.layers, found.layers_in_all, found.unknown) == (31, 31, "")
    assert found.devices == [VULKAN]


def test_buffers_on_the_device_alone_are_counted():
    # What lies in the host's memory for the device (Vulkan_Host) is the host's.
    assert own_bytes(LOADING, [VULKAN]) == {"weights": int(136.40 * MIB)}
    assert own_bytes(CONTEXT, [VULKAN]) == {
        "cache": int(11.25 * MIB),
        "compute": int(98.25 * MIB),
    }


def test_parts_of_one_kind_and_of_several_devices_add_up():
    first = Device(name="CUDA1", description="NVIDIA A100", backend="CUDA")
    tenth = Device(name="CUDA10", description="NVIDIA A100", backend="CUDA")
    lines = [
        "llama_kv_cache:      CUDA1 KV buffer size =    4.00 MiB",
        "llama_memory_recurrent:      CUDA1 RS buffer size =    1.00 MiB",
        "llama_kv_cache:     CUDA10 KV buffer size =    2.00 MiB",
    ]
    assert own_bytes(lines, [first]) == {"cache": 5 * MIB}
    assert own_bytes(lines, [first, tenth]) == {"cache": 7 * MIB}


def test_a_buffer_of_metal_has_a_longer_name_than_its_device():
    metal = Device(name="MTL0", description="Apple M3", backend="MTL")
    lines = ["load_tensors:  MTL0_Mapped model buffer size =   100.00 MiB"]
    assert own_bytes(lines, [metal]) == {"weights": 100 * MIB}


def test_layers_that_were_asked_for_and_lie_elsewhere_are_none_on_the_device():
    # The line counts what was asked for; all weights are the processor's.
    assert offloaded(LOADING[:4], [VULKAN]).layers == 0
    # A llama-server that lists the device, was asked for all layers, and logs no such line.
    elsewhere = offloaded(["0.00.175.061 I load_tensors:   CPU_Mapped model buffer size = 9 MiB"],
                          [VULKAN])  # fmt: skip
    assert (elsewhere.layers, elsewhere.layers_in_all) == (0, None)


@pytest.mark.parametrize("lines", [[], LOADING[:3], LOADING[4:]])
def test_what_the_log_does_not_tell_is_none_with_a_reason(lines: list[str]):
    found = offloaded(lines, [VULKAN])
    assert (found.layers, found.unknown) == (None, "llama.cpp's log does not tell them")


def test_no_layer_is_none_on_the_device():
    lines = ["load_tensors: offloaded 0/31 layers to GPU", LOADING[3]]
    assert offloaded(lines, [VULKAN]).layers == 0
