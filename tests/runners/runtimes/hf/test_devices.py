"""torch's GPUs and its account of their memory, by recorded answers of `torch.cuda`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from runners.runtimes.hf.devices import WHOLE, cuda_devices, offloaded, own_bytes, torch_devices
from runners.worker.offload import Device

GIB = 2**30


class RecordedCuda:
    """`torch.cuda` of a machine with one card of its own and one that shares the host's memory."""

    def __init__(self, *cards: Any) -> None:
        self.cards, self.peaks = cards, {"allocated": 3 * GIB, "reserved": 4 * GIB}

    def is_available(self) -> bool:
        return bool(self.cards)

    def device_count(self) -> int:
        return len(self.cards)

    def get_device_properties(self, index: int) -> Any:
        return self.cards[index]

    def max_memory_allocated(self, _device: torch.device) -> int:
        return self.peaks["allocated"]

    def max_memory_reserved(self, _device: torch.device) -> int:
        return self.peaks["reserved"]

    def reset_peak_memory_stats(self, _device: torch.device) -> None:
        self.peaks = {"allocated": GIB, "reserved": 2 * GIB}


def test_the_devices_are_named_as_torch_takes_them():
    # The attributes of torch 2.13's device properties; earlier releases have no PCI parts.
    card = SimpleNamespace(
        name="NVIDIA A100-SXM4-40GB", total_memory=40 * GIB, is_integrated=0,
        pci_domain_id=0, pci_bus_id=0xC1, pci_device_id=0,
    )  # fmt: skip
    board = SimpleNamespace(name="Orin", total_memory=8 * GIB, is_integrated=1)
    assert cuda_devices(RecordedCuda(card, board), "CUDA") == [
        Device(
            name="cuda:0", description="NVIDIA A100-SXM4-40GB", backend="CUDA",
            total_bytes=40 * GIB, bus_id="0000:c1:00.0",
        ),
        Device(
            name="cuda:1", description="Orin", backend="CUDA", integrated=True,
            total_bytes=8 * GIB,
        ),
    ]  # fmt: skip
    assert cuda_devices(RecordedCuda(), "CUDA") == []


def test_peaks_are_those_since_they_were_last_asked():
    cuda, device = RecordedCuda(object()), torch.device("cuda:0")
    assert own_bytes(device, cuda) == {"allocated": 3 * GIB, "reserved": 4 * GIB}
    assert own_bytes(device, cuda) == {"allocated": GIB, "reserved": 2 * GIB}


def test_on_the_processor_nothing_is_on_a_device():
    assert offloaded(torch.device("cpu")) is None
    assert own_bytes(torch.device("cpu")) == {}


def test_apples_gpu_shares_the_hosts_memory():
    found = offloaded(torch.device("mps"))
    assert found is not None
    assert (found.devices[0].unified, found.layers, found.unknown) == (True, None, WHOLE)


def test_this_machines_devices_are_those_that_torch_finds():
    assert bool(torch_devices()) == (torch.cuda.is_available() or torch.backends.mps.is_available())
