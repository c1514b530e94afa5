"""Runtime `hf` as the parent knows it: safetensors through transformers and torch, in process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runners.runtimes.hf.advice import MISSING
from runners.runtimes.spec import EVERYTHING, RuntimeSpec, Settings


class HfSettings(Settings):
    """Settings by which transformers loads a model and computes it."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: bfloat16 where the processor computes in it, else float32."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$")] = "auto"
    """auto: CUDA, else Apple's, else the CPU."""
    trust_remote_code: bool = False
    """Run Python code that lies beside the weights."""

    @property
    def runs_code(self) -> str:
        """The setting that runs Python from the weights' author; empty where none does."""
        said = "settings.trust_remote_code runs Python that lies beside its weights"
        return said if self.trust_remote_code else ""


SPEC = RuntimeSpec(
    name="hf",
    code="runners.runtimes.hf.runtime:Hf",
    settings=HfSettings,
    weights="required",
    formats=("folder",),
    can=EVERYTHING,
    packages=("transformers", "torch", "tokenizers"),
    modules=("torch", "transformers"),
    missing=MISSING,
    starts_in_a_moment=False,
)
