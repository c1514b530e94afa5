"""llama-server's devices and the flags that put layers on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.runtimes.llama_server.command import arguments, knows_devices
from runners.runtimes.llama_server.devices import ask_devices, listed_devices
from runners.runtimes.llama_server.spec import LlamaServerSettings
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


def test_a_program_is_asked_and_one_that_cannot_be_is_an_error(tmp_path: Path):
    program = tmp_path / "llama-server"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTED}END\n")
    program.chmod(0o700)
    assert [one.name for one in ask_devices([str(program)])] == ["CUDA0", "Vulkan0"]
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(WorkerError, match="cannot list its devices"):
        ask_devices([str(program)])
    with pytest.raises(WorkerError, match="cannot be asked"):
        ask_devices([str(tmp_path / "nothing")])


def test_an_older_build_is_not_asked():
    assert knows_devices(HELP)
    assert not knows_devices("-m -c -ngl")
