"""Runtime `llama-server` as the parent knows it: GGUF weights, behind llama.cpp's own server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runners.runtimes.llama_server.program import MISSING, find_program
from runners.runtimes.spec import USUAL, RuntimeSpec, Settings

Argument = Annotated[str, Field(max_length=4096)]


class LlamaServerSettings(Settings):
    """Settings of llama-server."""

    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    mmap: bool = True
    """Map the weights' file; false: read it."""
    repack: bool = True
    """Copy weights into the layout that this processor's kernels are fastest with."""
    arguments: Annotated[tuple[Argument, ...], Field(max_length=64)] = ()
    """Arguments of llama-server beside those that Weighin gives; the last of two counts."""


SPEC = RuntimeSpec(
    name="llama-server",
    code="runners.runtimes.llama_server.runtime:LlamaServer",
    settings=LlamaServerSettings,
    weights="required",
    formats=("gguf",),
    can=USUAL,
    packages=(),
    missing=MISSING,
    find_program=lambda _: find_program(),
)
