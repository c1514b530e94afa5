"""What doctor says of GPUs and of their memory."""

from __future__ import annotations

from runners.candidates.spec import Candidate
from runners.cli.gpu_hint import gpu_hints
from runners.doctor.gpus import DRIVER, gpu_check, gpu_memory_check
from runners.measure.nvml import NOT_INSTALLED, Nvml, start
from runners.worker.offload import Device
from tests.support.recorded_nvml import Card, NVMLError_NoPermission, RecordedNvml

CARD = Device(
    name="CUDA0", description="NVIDIA GeForce RTX 4090", backend="CUDA", total_bytes=24 * 2**30
)
APPLE = Device(name="MTL0", description="Apple M3", backend="MTL")
BUILD_IT = "compile it"


def show(size: float) -> str:
    return f"{size / 2**30:.0f} GiB"


def test_a_machine_without_a_gpu_is_well():
    found = gpu_check({"llamacpp": (), "hf": ()}, (), BUILD_IT, show)
    assert (found.status, found.found) == ("ok", "none: candidates compute on the processor")


def test_a_build_that_can_offload_is_named_and_does_so_when_asked():
    found = gpu_check({"llamacpp": (CARD,), "hf": ()}, (CARD.description,), BUILD_IT, show)
    assert (found.status, found.advice) == ("ok", "")
    assert found.found == (
        "llamacpp: CUDA0 (NVIDIA GeForce RTX 4090), 24 GiB; layers go there only where a candidate "
        "asks (--gpu-layers all)"
    )


def test_a_gpu_that_the_build_cannot_use_is_limited():
    found = gpu_check({"llamacpp": (), "hf": (CARD,)}, ("NVIDIA RTX",), BUILD_IT, show)
    assert (found.status, found.advice) == ("limited", BUILD_IT)
    assert found.found.startswith("NVIDIA RTX, which llamacpp was not compiled for; hf: CUDA0")


def test_a_build_that_cannot_be_asked_says_why():
    found = gpu_check({"llamacpp": "the driver hangs"}, (), BUILD_IT, show)
    assert (found.status, found.found) == ("limited", "llamacpp: the driver hangs")
    assert found.advice == DRIVER  # the build is there already


def test_what_nvml_does_not_list_is_measured_by_difference():
    nvml = start(RecordedNvml(cards=[Card(), Card(name="B", computing=NVMLError_NoPermission())]))
    found = gpu_memory_check(nvml, [CARD])
    assert (found.status, found.advice) == ("limited", "docs/gpus.md")
    assert found.found == (
        "NVML, driver 550.54.14: by difference, not by process, on NVIDIA GeForce RTX 4090, B: "
        "NVML does not list the processes of B (Insufficient Permissions)"
    )


def test_the_counter_of_gpu_memory():
    nvml = start(RecordedNvml(cards=[Card()]))
    assert isinstance(nvml, Nvml)
    measured = gpu_memory_check(nvml, [CARD])
    assert (measured.status, measured.found) == (
        "ok", "NVML, driver 550.54.14: by process, on NVIDIA GeForce RTX 4090",
    )  # fmt: skip
    lacking = gpu_memory_check(NOT_INSTALLED, [CARD])
    assert (lacking.status, lacking.advice) == ("limited", "pip install weighin[nvidia]")
    assert gpu_memory_check("NVML does not start: x", [CARD]).advice == "docs/gpus.md"
    assert gpu_memory_check(None, [APPLE]).found.startswith("unified")
    for integrated in (False, True):
        other = Device(name="Vulkan0", description="AMD", backend="Vulkan", integrated=integrated)
        assert gpu_memory_check(None, [other]).status == "limited"


def test_a_run_says_nothing_of_gpus_where_there_is_none():
    one = Candidate.model_validate({"name": "a", "weights": "a.gguf"})
    fake = Candidate.model_validate({"name": "b", "runtime": "fake"})
    assert gpu_hints([one, fake]) == []
