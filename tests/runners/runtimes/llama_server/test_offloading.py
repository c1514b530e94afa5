"""llama-server's devices and the flags that put layers on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import RuntimeFailure
from runners.runtimes.llama_server.command import arguments, knows_devices
from runners.runtimes.llama_server.devices import ask_devices, listed_devices
from runners.runtimes.llama_server.find_devices import find_devices
from runners.runtimes.llama_server.program import VARIABLE
from runners.runtimes.llama_server.runtime import LlamaServer
from runners.runtimes.llama_server.spec import LlamaServerSettings
from runners.worker import protocol
from runners.worker.runtime import WorkerError

HELP = "-m -c -t -np -fa [on|off|auto] -ctk -ctv -ngl -dev, --device --list-devices -lv"
LISTED = """\
ggml_vulkan: 0 = llvmpipe (LLVM 15.0.6, 256 bits) (llvmpipe) | uma: 0
Available devices:
  CUDA0: NVIDIA GeForce RTX 4090 (24111 MiB, 23705 MiB free)
  Vulkan0: llvmpipe (LLVM 15.0.6, 256 bits) (2048 MiB, 2048 MiB free)
  BLAS: OpenBLAS (0 MiB, 0 MiB free)
"""


def asked(*, has_devices: bool, **told: Any) -> list[str]:
    settings = {**LlamaServerSettings(**told).model_dump(), "threads": 2}
    found = arguments(settings, HELP, repacks=True, has_devices=has_devices)
    start = found.index("-ngl")
    return [*found[start : found.index("-lv")], *found[found.index("-lv") :]]


def test_what_it_lists_is_read():
    first, second = listed_devices(LISTED)
    assert (first.name, first.description) == ("CUDA0", "NVIDIA GeForce RTX 4090")
    assert (first.backend, first.total_bytes) == ("CUDA", 24111 * 2**20)
    assert (second.name, second.description, second.backend) == (
        "Vulkan0", "llvmpipe (LLVM 15.0.6, 256 bits)", "Vulkan",
    )  # fmt: skip
    assert listed_devices("Available devices:\n  (none)\n") == []


def test_what_shares_the_hosts_memory_is_told_beside_the_list():
    beside = (
        "ggml_vulkan: Found 2 Vulkan devices:\n"
        "ggml_vulkan: 0 = AMD Radeon 780M (RADV PHOENIX) (radv) | uma: 1 | fp16: 1\n"
        "ggml_vulkan: 1 = AMD Radeon RX 7900 (radv) | uma: 0 | fp16: 1\n"
    )
    listed = (
        "Available devices:\n  Vulkan0: AMD Radeon 780M (8192 MiB, 8000 MiB free)\n"
        "  Vulkan1: AMD Radeon RX 7900 (20464 MiB, 20000 MiB free)\n"
    )
    assert [one.integrated for one in listed_devices(listed, beside)] == [True, False]


def test_a_build_for_processors_is_started_as_before():
    assert asked(has_devices=False) == ["-ngl", "0", "-lv", "2"]


def test_a_build_for_gpus_uses_none_unless_it_is_asked():
    # Without `-dev none` it would evaluate large batches there although no layer is.
    assert asked(has_devices=True) == ["-ngl", "0", "-dev", "none", "-lv", "2"]


def test_layers_and_a_device_are_asked_for():
    assert asked(has_devices=True, gpu_layers=12) == ["-ngl", "12", "-lv", "4"]
    assert asked(has_devices=True, gpu_layers="all", device="CUDA0") == [
        "-ngl", "9999", "-dev", "CUDA0", "-lv", "4",
    ]  # fmt: skip


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}")
    path.chmod(0o700)
    return str(path)


def test_a_program_is_asked_and_one_that_cannot_be_is_an_error(tmp_path: Path):
    program = script(tmp_path / "llama-server", f"cat <<'END'\n{LISTED}END\n")
    found, why = ask_devices([program])
    assert ([one.name for one in found], why) == (["CUDA0", "Vulkan0"], "")
    script(tmp_path / "llama-server", "echo 'no room' >&2\nexit 1\n")
    with pytest.raises(WorkerError, match=r"^llama-server cannot list its devices: no room"):
        ask_devices(["/bin/sh", program])
    with pytest.raises(WorkerError, match=r"^llama-server cannot be asked"):
        ask_devices([str(tmp_path / "nothing")])


def test_a_driver_that_refuses_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = "ggml_cuda_init: failed to initialize CUDA: driver version is insufficient"
    program = script(
        tmp_path / "llama-server", f"echo '{said}' >&2\n[ $1 = --version ] || echo '  (none)'\n"
    )
    assert ask_devices([program]) == ([], "driver version is insufficient")
    monkeypatch.setenv(VARIABLE, program)
    with pytest.raises(RuntimeFailure, match=r"^llama-server finds no GPU: driver version is"):
        find_devices()


def test_a_build_is_asked_outside_the_limit_and_started_inside(tmp_path: Path):
    bare = script(
        tmp_path / "llama-server",
        f"[ $1 = --help ] && echo '{HELP}' && exit\ncat <<'END'\n{LISTED}END\n",
    )
    inside = ["/bin/sh", "-c", "exit 1", "weighin", bare]
    settings = {**LlamaServerSettings(gpu_layers="all", device="CUDA0").model_dump(), "threads": 2}
    load = protocol.Load(path="a.gguf", settings=settings, program=inside, unlimited=[bare])
    launch = LlamaServer().launch(load)
    assert launch.program == inside
    assert "-dev" in launch.arguments


def test_an_older_build_is_not_asked():
    assert knows_devices(HELP)
    assert not knows_devices("-m -c -ngl")
