"""Runtime `llamacpp` as the parent knows it: GGUF weights, in process."""

from __future__ import annotations

from typing import Literal

from runners.runtimes.gpu_settings import GpuSettings
from runners.runtimes.listed_devices import listed_by
from runners.runtimes.llamacpp.advice import MISSING, NO_GPU, REBUILD
from runners.runtimes.llamacpp.gpu_build import compiled_for_gpu
from runners.runtimes.spec import EVERYTHING, RuntimeSpec


class LlamaCppSettings(GpuSettings):
    """Settings of llama.cpp."""

    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    mmap: bool = True
    """Map the weights' file; false: read it."""
    repack: bool = True
    """Copy weights into the layout that this processor's kernels are fastest with. False, like
    llama.cpp's `--no-repack`: compute from the file's own, slower and with no second copy."""


SPEC = RuntimeSpec(
    name="llamacpp",
    code="runners.runtimes.llamacpp.runtime:LlamaCpp",
    settings=LlamaCppSettings,
    weights="required",
    formats=("gguf",),
    can=EVERYTHING,
    packages=("llama-cpp-python",),
    tells_gpu=True,
    modules=("llama_cpp",),
    missing=MISSING,
    find_devices=lambda _: listed_by("runners.runtimes.llamacpp.devices", library="llama_cpp"),
    compiled_for_gpu=compiled_for_gpu,
    no_device=NO_GPU,
    rebuild=REBUILD,
)
