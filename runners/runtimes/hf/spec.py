"""Runtime `hf` as the parent knows it: safetensors through transformers and torch, in process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runners.runtimes.hf.advice import MISSING, NO_GPU
from runners.runtimes.listed_devices import listed_by
from runners.runtimes.packages import installed
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
    def needs_device(self) -> bool:
        """True where the device is named and is not the processor."""
        return self.device not in ("auto", "cpu")

    @property
    def may_use_device(self) -> bool:
        """True unless the processor is named."""
        return self.device != "cpu"

    @property
    def device_asked(self) -> str:
        """The device that is named; `cuda` is any of CUDA's."""
        return self.device if self.needs_device else ""

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
    tells_gpu=True,
    modules=("torch", "transformers"),
    missing=MISSING,
    find_devices=lambda _: listed_by("runners.runtimes.hf.devices", library="torch"),
    compiled_for_gpu=lambda: "+cpu" not in (installed("torch") or "+cpu"),
    no_device=NO_GPU,
    starts_in_a_moment=False,
)
