"""Runtime `openvino` as the parent knows it: a GGUF, or a model of OpenVINO's, in process."""

from __future__ import annotations

from typing import Literal

from runners.runtimes.openvino.advice import MISSING
from runners.runtimes.spec import EVERYTHING, Converter, RuntimeSpec, Settings


class OpenVinoSettings(Settings):
    """Settings by which OpenVINO compiles a model for the processor."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type that it computes in; auto: bfloat16 where the processor has it, else float32."""
    kv_cache_precision: Literal["auto", "f32", "f16", "bf16", "u8", "u4"] = "auto"
    """auto: eight bits, for most models; as the model's file says."""
    dynamic_quantization: bool = True
    """Multiply quantised weights by activations that are rounded to eight bits, in groups."""


SPEC = RuntimeSpec(
    name="openvino",
    code="runners.runtimes.openvino.runtime:OpenVino",
    settings=OpenVinoSettings,
    weights="required",
    formats=("ir",),
    converter=Converter(
        module="runners.runtimes.openvino.convert",
        package="openvino-genai",
        weights="openvino_model.bin",
        missing=MISSING,
    ),
    can=EVERYTHING,
    packages=("openvino", "openvino-genai", "openvino-tokenizers"),
    tells_gpu=True,
    modules=("openvino", "openvino_genai"),
    missing=MISSING,
    starts_in_a_moment=False,
)
