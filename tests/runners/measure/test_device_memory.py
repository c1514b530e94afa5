"""Device memory by phase: which counter, what it leaves out, and the reason where there is none."""

from __future__ import annotations

import os

from runners.measure.device_memory import (
    BY_PROCESS,
    DIFFERENCE,
    NOT_NVIDIA,
    SHARED,
    UNIFIED,
    DeviceMark,
    DevicePhase,
)
from runners.measure.nvml import NOT_INSTALLED, NOT_LISTED, Nvml, start
from runners.worker.offload import Device
from tests.support.recorded_nvml import (
    GIB,
    Card,
    NVMLError_NoPermission,
    NVMLError_NotSupported,
    RecordedNvml,
)

ME = os.getpid()
CUDA = Device(name="CUDA0", description="NVIDIA GeForce RTX 4090", backend="CUDA",
              bus_id="0000:01:00.0")  # fmt: skip
OWN = {"weights": 5, "cache": 2}


def mark(card: Card, *devices: Device) -> DeviceMark:
    nvml = start(RecordedNvml(cards=[card]))
    assert isinstance(nvml, Nvml)
    found = DeviceMark(nvml)
    found.follow(devices or (CUDA,))
    return found


def ended(found: DeviceMark) -> DevicePhase:
    phase = found.end_phase(ME, lambda: OWN)
    assert phase is not None
    return phase


def test_before_a_model_is_on_a_device_there_is_nothing_to_read():
    assert DeviceMark(NOT_INSTALLED).end_phase(ME, lambda: OWN) is None


def test_a_phase_has_the_most_of_its_looks_and_the_next_begins_anew():
    card = Card(computing={ME: 3 * GIB})
    found = mark(card)
    found.look(ME)
    card.computing = {ME: 2 * GIB}
    first, second = ended(found), ended(found)
    assert (first.peak_bytes, first.source, first.reason) == (3 * GIB, BY_PROCESS, "")
    assert (first.own_bytes, first.driver) == (OWN, "550.54.14")
    assert second.peak_bytes == 2 * GIB


def test_in_a_container_it_is_what_the_device_holds_more_than_before():
    # 1 GiB before the model was there, 4 after: 3, whoever took them.
    card = Card(used=GIB, computing={7: GIB})
    found = mark(card)
    card.used = 4 * GIB
    assert ended(found).peak_bytes == 3 * GIB
    assert (ended(found).source, ended(found).reason) == (DIFFERENCE, NOT_LISTED)


def test_a_device_that_gave_memory_back_holds_no_less_than_nothing():
    card = Card(used=4 * GIB)
    found = mark(card)
    card.used = GIB
    assert ended(found).peak_bytes == 0


def test_where_nothing_may_be_read_both_reasons_are_said():
    refused = NVMLError_NoPermission()
    phase = ended(mark(Card(used=refused, computing=refused)))
    assert (phase.peak_bytes, phase.source) == (None, "")
    assert "does not list the processes" in phase.reason
    assert "does not tell the memory in use" in phase.reason


def test_unified_memory_is_said_to_be_the_hosts():
    for device in (
        Device(name="MTL0", description="Apple M3", backend="MTL"),
        Device(name="mps", description="Apple GPU", backend="MPS", integrated=True),
    ):
        found = DeviceMark(NOT_INSTALLED)
        found.follow([device])
        assert (ended(found).peak_bytes, ended(found).reason) == (None, UNIFIED)


def test_what_an_integrated_device_takes_is_in_no_counter():
    inside = Device(name="Vulkan0", description="Radeon 780M", backend="Vulkan", integrated=True)
    found = DeviceMark(NOT_INSTALLED)
    found.follow([inside])
    phase = ended(found)
    assert (phase.peak_bytes, phase.reason) == (None, f"Vulkan0 (Radeon 780M): {SHARED}")
    # The runtime's own account is what a limit is held against.
    assert (inside.unified, phase.own_bytes) == (False, OWN)


def test_nvidias_integrated_devices_are_in_nvmls_lists():
    board = Device(name="CUDA0", description="NVIDIA GB10", backend="CUDA", integrated=True)
    refused = NVMLError_NotSupported()  # what it answers to the memory of the whole device
    assert ended(mark(Card(computing={ME: GIB}, used=refused), board)).peak_bytes == GIB


def test_other_makers_devices_have_no_counter_and_the_runtimes_account():
    found = DeviceMark(NOT_INSTALLED)
    found.follow([Device(name="ROCm0", description="AMD Radeon RX 7900", backend="ROCm")])
    assert ended(found) == DevicePhase(peak_bytes=None, reason=NOT_NVIDIA, own_bytes=OWN)
    # NVIDIA's library is there, and does not know the device.
    beside = Device(name="Vulkan1", description="Intel Arc A770", backend="Vulkan")
    assert ended(mark(Card(), beside)).reason == NOT_NVIDIA
    # Of both together the sum would be a part alone.
    assert ended(mark(Card(computing={ME: GIB}), CUDA, beside)).peak_bytes is None


def test_without_the_package_it_says_what_to_install():
    found = DeviceMark(NOT_INSTALLED)
    found.follow([CUDA])
    assert ended(found).reason == NOT_INSTALLED


def test_vulkan_on_a_device_of_nvidia_is_known_by_its_name():
    vulkan = Device(name="Vulkan0", description="NVIDIA GeForce RTX 4090", backend="Vulkan")
    assert ended(mark(Card(drawing={ME: GIB}), vulkan)).peak_bytes == GIB


def test_a_process_that_is_gone_is_a_reason():
    phase = mark(Card()).end_phase(2**22 + 1, dict)
    assert phase is not None
    assert phase.peak_bytes is None
    assert "has exited" in phase.reason
