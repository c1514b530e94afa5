"""llama.cpp's registry of devices, as a build for processors has it."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import llama_cpp
import pytest

from runners.runtimes.listed_devices import listed_by
from runners.runtimes.llamacpp import devices
from runners.runtimes.llamacpp.devices import backends, chosen, gpus, listed
from runners.worker.offload import Device
from runners.worker.runtime import WorkerError

CARD = Device(name="CUDA0", description="NVIDIA GeForce RTX 4090", backend="CUDA")
SECOND = Device(name="CUDA1", description="NVIDIA GeForce RTX 4090", backend="CUDA")
INSIDE = Device(name="Vulkan0", description="Intel Iris Xe", backend="Vulkan", integrated=True)


def found(monkeypatch: pytest.MonkeyPatch, *there: Device) -> list[int]:
    """Have the registry hold these, at pointers from 1; those that are asked for their memory."""
    asked: list[int] = []

    def with_memory(handle: int, device: Device) -> Device:
        asked.append(handle)
        return device

    def gpus(*, memory: bool) -> list[tuple[int, Device]]:
        listed = list(enumerate(there, 1))
        return [(n, with_memory(n, one) if memory else one) for n, one in listed]

    monkeypatch.setattr(devices, "gpus", gpus)
    monkeypatch.setattr(devices, "with_memory", with_memory)
    return asked


def test_the_registry_of_this_build_is_read():
    # As the checkout's set-up compiles it there is none; on a Mac there is one.
    here = [one for _, one in gpus(memory=True)]
    assert bool(here) == llama_cpp.llama_supports_gpu_offload()
    assert set(backends()) == {one.backend for one in here}
    assert listed_by("runners.runtimes.llamacpp.devices", library="llama_cpp") == tuple(here)


def test_without_a_gpu_layers_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    found(monkeypatch)
    with pytest.raises(WorkerError, match=r"gpu_layers: this llama\.cpp finds no GPU"):
        chosen("auto")
    with pytest.raises(WorkerError, match=r"device is CUDA0; this llama\.cpp finds: none"):
        chosen("CUDA0")


def test_auto_is_every_gpu_with_memory_of_its_own(monkeypatch: pytest.MonkeyPatch):
    found(monkeypatch, INSIDE, CARD, SECOND)
    assert chosen("auto") == [(2, CARD), (3, SECOND)]
    assert chosen("CUDA1") == [(3, SECOND)]
    assert chosen("Vulkan0") == [(1, INSIDE)]
    with pytest.raises(WorkerError, match=r"finds: Vulkan0 \(Intel Iris Xe\), CUDA0"):
        chosen("ROCm0")


def test_one_that_is_named_alone_is_asked_for_its_memory(monkeypatch: pytest.MonkeyPatch):
    # On CUDA the question makes a context, of some hundred MiB, on each that is asked.
    asked = found(monkeypatch, INSIDE, CARD, SECOND)
    assert chosen("CUDA1") == [(3, SECOND)]
    assert asked == [3]
    chosen("auto")
    assert asked == [3, 1, 2, 3]


def test_auto_takes_a_card_once_that_two_interfaces_find(monkeypatch: pytest.MonkeyPatch):
    cuda = replace(CARD, bus_id="0000:c1:00.0")
    twin = Device(name="Vulkan1", description="the same", backend="Vulkan", bus_id=cuda.bus_id)
    found(monkeypatch, cuda, twin, SECOND)
    assert chosen("auto") == [(1, cuda), (3, SECOND)]


def test_auto_is_one_of_those_that_share_the_hosts_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch,
):
    other = Device(name="SYCL0", description="Intel Iris Xe", backend="SYCL", integrated=True)
    found(monkeypatch, INSIDE, other)
    assert chosen("auto") == [(1, INSIDE)]


def test_an_error_of_a_device_is_on_stderr_before_the_process_ends(
    capfd: pytest.CaptureFixture[str],
):
    from runners.runtimes.llamacpp.api import LOG, LOG_ERROR

    LOG._take(LOG_ERROR, b"CUDA error: out of memory\n", None)
    LOG._take(2, b"offloaded 12/12 layers to GPU\n", None)  # what it only informs of is kept alone
    assert capfd.readouterr().err == "CUDA error: out of memory\n"
    assert LOG.errors[-1] == "CUDA error: out of memory"
    LOG.errors.clear()


def test_the_list_ends_with_a_null_pointer():
    # An empty list, and not none at all: llama.cpp then hands no device to the model.
    assert list(listed([])) == [None]
    assert list(listed([4096, 8192])) == [4096, 8192, None]
    assert ctypes.sizeof(listed([1])) == 2 * ctypes.sizeof(ctypes.c_void_p)
