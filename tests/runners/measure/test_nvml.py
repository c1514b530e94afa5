"""NVML's answers, recorded: by process, drawing and computing, refused, split, in a container."""

from __future__ import annotations

from types import ModuleType

import pynvml
import pytest

from runners.measure import nvml
from runners.measure.nvml import NOT_LISTED, Held, Nvml, pci_address, start
from tests.support.recorded_nvml import (
    GIB,
    Card,
    NVMLError_LibraryNotFound,
    NVMLError_NoPermission,
    NVMLError_NotSupported,
    RecordedNvml,
)

MIB = 2**20
OURS, OTHERS = {100, 101}, {7: 900 * MIB}


def started(*cards: Card) -> Nvml:
    found = start(RecordedNvml(cards=cards))
    assert isinstance(found, Nvml)
    return found


def test_the_real_package_has_every_function_that_the_recorded_one_has():
    told = [name for name in dir(RecordedNvml) if name.startswith(("nvml", "NVML"))]
    assert len(told) == 18
    assert [name for name in told if not hasattr(pynvml, name)] == []
    assert issubclass(pynvml.NVMLError_NotSupported, pynvml.NVMLError)
    assert issubclass(pynvml.NVMLError_FunctionNotFound, pynvml.NVMLError)
    assert not issubclass(pynvml.NVMLLibraryMismatchError, pynvml.NVMLError)


def test_without_a_driver_the_real_package_says_so_in_a_sentence():
    # There is a driver on few machines that run tests; where there is one, it starts.
    found = start()
    assert isinstance(found, Nvml) or found.startswith("NVML does not start: ")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def missing(_name: str) -> ModuleType:
        raise ImportError

    monkeypatch.setattr(nvml.importlib, "import_module", missing)
    assert start() == "nvidia-ml-py is not installed: pip install weighin[nvidia]"


def test_a_library_that_does_not_start_is_a_reason():
    found = start(RecordedNvml(fails=NVMLError_LibraryNotFound()))
    assert found == "NVML does not start: NVML Shared Library Not Found"


def test_the_processes_of_the_tree_are_summed_and_nobody_elses():
    found = started(Card(computing={100: 3 * GIB, 101: GIB, **OTHERS}))
    assert found.held(OURS) == Held(bytes=4 * GIB)


def test_one_that_computes_and_draws_counts_once_and_one_that_draws_alone_counts():
    # Vulkan's processes are listed as drawing; some are in both lists, with one figure.
    found = started(Card(computing={100: GIB}, drawing={100: GIB, 101: 5 * MIB}))
    assert found.held(OURS) == Held(bytes=GIB + 5 * MIB)


def test_several_devices_are_summed_and_others_left_out():
    first, second = Card(computing={100: GIB}), Card(bus_id="00000000:C1:00.0")
    second.computing = {100: 2 * GIB}
    found = started(first, second)
    assert found.held(OURS) == Held(bytes=3 * GIB)
    assert found.held(OURS, ["0000:c1:00.0"]) == Held(bytes=2 * GIB)


def test_what_the_driver_does_not_tell_is_a_reason_and_never_0():
    # NVML_VALUE_NOT_AVAILABLE: Windows' display driver model.
    found = started(Card(computing={100: None})).held(OURS)
    assert found.bytes is None
    assert found.reason == (
        "the driver does not tell what a process holds on NVIDIA GeForce RTX 4090"
    )


def test_a_container_with_process_ids_of_its_own():
    assert started(Card(computing=OTHERS)).held(OURS) == Held(bytes=None, reason=NOT_LISTED)


@pytest.mark.parametrize("fault", [NVMLError_NoPermission(), NVMLError_NotSupported()])
def test_a_refused_list_is_a_reason(fault: NVMLError_NoPermission):
    found = started(Card(computing=fault)).held(OURS)
    assert found == Held(
        bytes=None,
        reason=f"NVML does not list the processes of NVIDIA GeForce RTX 4090 ({fault})",
    )


def test_an_older_driver_is_asked_for_the_older_lists():
    # Before release 510 there is no third version of them, which the package asks for.
    card = Card(computing={100: GIB}, drawing={101: MIB})
    older, ancient = (start(RecordedNvml(cards=[card], lists=version)) for version in (2, 1))
    assert isinstance(older, Nvml)
    assert older.held(OURS) == Held(bytes=GIB + MIB)
    assert older.unlisted() == ""
    assert isinstance(ancient, Nvml)
    why = "NVML does not list the processes of NVIDIA GeForce RTX 4090 (Function Not Found)"
    assert ancient.held(OURS) == Held(bytes=None, reason=why)
    assert ancient.unlisted() == why


def test_a_device_that_never_draws_lists_what_computes():
    found = started(Card(computing={100: GIB}, drawing=NVMLError_NotSupported()))
    assert found.held(OURS) == Held(bytes=GIB)


def test_a_split_gpu_is_its_instances():
    instance = Card(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", total=5 * GIB, used=2 * GIB)
    instance.computing = {100: GIB}
    whole = Card(name="NVIDIA A100-SXM4-40GB", instances=[None, instance], used=30 * GIB)
    found = started(whole)
    assert [(card.name, card.total_bytes) for card in found.cards] == [(instance.name, 5 * GIB)]
    assert found.held(OURS) == Held(bytes=GIB)
    # Of one instance its own use is known; of two, not which one a process has.
    assert found.used([]) == Held(bytes=2 * GIB)
    two = started(Card(instances=[instance, instance]))
    assert two.used([]).bytes is None
    assert "split (MIG)" in two.used([]).reason


def test_the_use_of_whole_devices():
    found = started(Card(used=GIB), Card(bus_id="00000000:C1:00.0", used=3 * GIB))
    assert found.used([]) == Held(bytes=4 * GIB)
    assert found.used(["0000:c1:00.0"]) == Held(bytes=3 * GIB)
    assert found.used(["0000:99:00.0"]).reason == "NVML does not know the device"
    refused = started(Card(used=NVMLError_NoPermission()))
    assert refused.cards[0].total_bytes is None
    assert refused.used([]).reason == (
        "NVML does not tell the memory in use (Insufficient Permissions)"
    )


def test_it_is_stopped_once():
    library = RecordedNvml(cards=[Card()])
    found = start(library)
    assert isinstance(found, Nvml)
    assert library.started == 1
    found.stop()
    assert library.started == 0


def test_addresses_are_as_other_libraries_write_them():
    assert pci_address("00000000:C1:00.0") == "0000:c1:00.0"
    assert pci_address("") == ""
