"""Runtime `mlx` as the parent knows it: safetensors through MLX and mlx-lm, in process."""

from __future__ import annotations

from typing import Literal

from runners.runtimes.mlx.advice import MISSING
from runners.runtimes.spec import EVERYTHING, Converter, RuntimeSpec, Settings


class MlxSettings(Settings):
    """Settings by which mlx-lm loads a model and computes it.

    `threads` is told to the BLAS library; MLX itself has no such setting.
    """

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: as the weights, or the scales of packed ones, are saved."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """auto: the GPU of a Mac, or CUDA's, else the CPU."""

    @property
    def may_use_device(self) -> bool:
        """True unless the processor is named."""
        return self.device != "cpu"


SPEC = RuntimeSpec(
    name="mlx",
    code="runners.runtimes.mlx.runtime:Mlx",
    settings=MlxSettings,
    weights="required",
    formats=("folder",),
    converter=Converter(
        module="runners.runtimes.mlx.convert",
        package="mlx",
        weights="*.safetensors",
        missing=f"{MISSING},hf",
    ),
    can=EVERYTHING,
    packages=("mlx", "mlx-lm", "transformers", "tokenizers"),
    tells_gpu=True,
    modules=("mlx", "mlx_lm", "transformers"),
    missing=MISSING,
    starts_in_a_moment=False,
)
