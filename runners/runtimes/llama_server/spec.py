"""Runtime `llama-server` as the parent knows it: GGUF weights, behind llama.cpp's own server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from runners.runtimes.gpu_settings import GpuSettings
from runners.runtimes.llama_server.find_devices import find_devices
from runners.runtimes.llama_server.program import MISSING, find_program
from runners.runtimes.spec import OF_SERVERS, RuntimeSpec

_FLAGS = """
-t --threads -tb --threads-batch -C --cpu-mask -Cr --cpu-range --cpu-strict --prio --poll
-Cb --cpu-mask-batch -Crb --cpu-range-batch --cpu-strict-batch --prio-batch --poll-batch
-c --ctx-size -b --batch-size -ub --ubatch-size --keep --swa-full -fa --flash-attn
--rope-scaling --rope-scale --rope-freq-base --rope-freq-scale --yarn-orig-ctx
--yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast -kvo --kv-offload -nkvo
--no-kv-offload --repack -nr --no-repack --no-host -ctk --cache-type-k -ctv --cache-type-v
-dt --defrag-thold -lm --load-mode -lzm --lazy-mode --mlock --mmap --no-mmap --numa -ot
--override-tensor -cmoe --cpu-moe -ncmoe --n-cpu-moe -ncffn --n-cpu-ffn -sm --split-mode -ts
--tensor-split -fit --fit -fitt --fit-target -fitc --fit-ctx --op-offload --no-op-offload
--override-kv -np --parallel -cb --cont-batching -nocb --no-cont-batching -kvu --kv-unified
-no-kvu --no-kv-unified --kv-unified-per-slot -ctxcp --ctx-checkpoints --swa-checkpoints -cms
--checkpoint-min-step -cram --cache-ram --cache-prompt --no-cache-prompt --cache-reuse
--context-shift --no-context-shift --warmup --no-warmup --threads-http --jinja --no-jinja
--reasoning-format --reasoning-budget -to --timeout
"""
COMPUTES = frozenset(_FLAGS.split())
"""Flags of llama-server that say how it computes, and nothing else."""
SETTINGS = {
    "gpu_layers": ("-ngl", "--gpu-layers", "--n-gpu-layers"),
    "device": ("-dev", "--device", "-mg", "--main-gpu"),
}
"""Settings that Weighin finds devices by and records, and the flags that would pass them by."""

Argument = Annotated[str, Field(max_length=4096)]


class LlamaServerSettings(GpuSettings):
    """Settings of llama-server."""

    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    mmap: bool = True
    """Map the weights' file; false: read it."""
    repack: bool = True
    """Copy weights into the layout that this processor's kernels are fastest with."""
    arguments: Annotated[tuple[Argument, ...], Field(max_length=64)] = ()
    """Arguments of llama-server beside those that Weighin gives; the last of two counts. Layers on
    a GPU and the device have settings of their own."""

    @field_validator("arguments")
    @classmethod
    def _leaves_the_gpu_to_settings(cls, arguments: tuple[str, ...]) -> tuple[str, ...]:
        for word in arguments:
            # llama-server reads `_` of a long flag as `-`.
            flag = word.partition("=")[0]
            plain = flag.replace("_", "-") if flag.startswith("--") else flag
            setting = next((one for one, flags in SETTINGS.items() if plain in flags), None)
            if setting is not None:
                raise ValueError(f"{flag} goes by the setting {setting}: set {setting} instead")
        return arguments

    @property
    def runs_code(self) -> str:
        """The first flag that does more than say how to compute.

        Some have the server write files, answer other machines, or run tools for whoever asks.
        """
        flags = (word.partition("=")[0] for word in self.arguments if not _is_value(word))
        odd = next((flag for flag in flags if flag not in COMPUTES), None)
        return f"arguments gives llama-server {odd}, which may do more than compute," if odd else ""


def _is_value(word: str) -> bool:
    """Whether an argument is no flag: a word, or a number that may be negative."""
    return not word.startswith("-") or word[1:2].isdigit()


SPEC = RuntimeSpec(
    name="llama-server",
    code="runners.runtimes.llama_server.runtime:LlamaServer",
    settings=LlamaServerSettings,
    weights="required",
    formats=("gguf",),
    can=OF_SERVERS,
    packages=(),
    tells_gpu=True,
    missing=MISSING,
    find_program=lambda _: find_program(),
    find_devices=lambda _: find_devices(),
    no_device="name a llama-server that was built for it in WEIGHIN_LLAMA_SERVER; docs/gpus.md",
)
