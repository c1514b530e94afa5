"""A transformers model in evaluation mode: how it is loaded, and one forward pass.

Nothing is fetched from here and nothing pickled is read: the parent has put a folder of
safetensors on the disk.
"""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

# Read when the libraries are imported: this process has no business on the network.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_TELEMETRY="1")

import torch
import transformers
from transformers.cache_utils import DynamicCache

from runners.engine.out_of_memory import memory_on
from runners.engine.recommended import choosing
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

transformers.utils.logging.disable_progress_bar()

VERSION: str = transformers.__version__
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DEFAULT_TRAINED_CONTEXT = 2048
"""Context in tokens where neither configuration nor tokeniser names one, as in lm-eval's HFLM."""
LENGTH_KEYS = ("n_positions", "max_position_embeddings", "n_ctx")
CACHE_NAMES = ("cache", "cache_params", "past_key_values")
"""Names of the state that a pass continues from, by architecture. transformers 5.24 renamed it to
the first (the others go with 5.40); a model's own code keeps the name that it was written with."""
LOADING = (OSError, ValueError, RuntimeError, ImportError, LookupError, AttributeError, TypeError)
"""Exceptions of transformers over a folder that is damaged, incomplete or unknown to it."""
ENDLESS = 10**18
"""A tokeniser's `model_max_length` above it means "not said"."""


def build_info() -> str:
    """The build of torch and what of the CPU it uses, e.g. `torch 2.13.0+cpu AVX512`."""
    return f"torch {torch.__version__} {torch.backends.cpu.get_cpu_capability()}"


def choose_device(asked: str) -> torch.device:
    """`auto`: a CUDA device, else Apple's, else the CPU.

    Raises:
        WorkerError: the one that was asked for is not here.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        asked = next((name for name, here in found.items() if here), "cpu")
    if not found.get(asked.partition(":")[0], True):
        raise WorkerError(f"device {asked}: torch finds none here; settings.device: auto")
    return torch.device(asked)


def choose_dtype(asked: str, device: torch.device) -> torch.dtype:
    """`auto`: bfloat16 where the processor computes in it, else float32 (on Apple's: float16)."""
    if asked != "auto":
        return DTYPES[asked]
    if device.type == "mps":
        return torch.float16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    able = torch.cpu.get_capabilities()
    native = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if native else torch.float32


class Model:
    """Weights on a device, in one number type."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        torch.set_num_threads(settings["threads"])
        self.device = choose_device(settings["device"])
        self.dtype = choose_dtype(settings["dtype"], self.device)
        self.network = _load(path, self.dtype, trust=settings["trust_remote_code"])
        with memory_on(self.device):
            self.network.eval().to(self.device)
        self.config = self.network.config
        self._accepts = inspect.signature(self.network.forward).parameters
        # A wrong name is not refused: it ends among the keyword arguments that nobody reads.
        named = (name for name in CACHE_NAMES if name in self._accepts)
        self._cache_name = next(named, CACHE_NAMES[-1])

    @property
    def parameters(self) -> int:
        """Number of parameters; tied ones count once."""
        return sum(p.numel() for p in self.network.parameters())

    @property
    def bytes(self) -> int:
        """Bytes of the parameters in memory."""
        return sum(p.numel() * p.element_size() for p in self.network.parameters())

    @property
    def vocabulary(self) -> int:
        """Logits of a row; may be more than the tokeniser has tokens."""
        return int(self.network.get_output_embeddings().weight.shape[0])

    @property
    def architecture(self) -> str:
        """The model type of its configuration."""
        return str(self.config.model_type)

    @property
    def exact(self) -> bool:
        """True in float32."""
        return bool(self.dtype == torch.float32)

    @property
    def ends(self) -> list[int | None]:
        """Tokens that end a generation by the model's own settings."""
        said = getattr(self.network.generation_config, "eos_token_id", None)
        return said if isinstance(said, list) else [said]

    def recommended(self) -> dict[str, Any]:
        """Settings of `generation_config.json` that change which tokens are chosen."""
        config = getattr(self.network, "generation_config", None)
        return choosing(config.to_diff_dict()) if config is not None else {}

    def trained_context(self, tokenizer_length: int) -> int:
        """Tokens, from where lm-eval's HFLM takes them."""
        inner = getattr(self.config, "text_config", None) or self.config
        said = [getattr(inner, key, None) for key in LENGTH_KEYS]
        found = next((int(value) for value in said if value is not None), tokenizer_length)
        return found if found < ENDLESS else DEFAULT_TRAINED_CONTEXT

    def forward(
        self,
        tokens: Sequence[int] | NDArray[np.int32],
        positions: Sequence[int] | NDArray[np.int32] | None,
        cache: Any,
        rows: Sequence[int] | NDArray[np.int64],
        *,
        keep: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Evaluate tokens of batch 1.

        Args:
            tokens: shape (n,).
            positions: shape (n,); None: they follow on what the cache holds.
            cache: what an earlier pass returned, or None.
            rows: which of the tokens' logits are wanted; no others are computed.
            keep: whether the pass makes or extends a cache.

        Returns:
            Shape (rows, vocabulary), on the CPU, so that the computation is over; and the cache.

        Raises:
            OutOfMemory: the device has not enough memory.
        """
        place = {"device": self.device, "dtype": torch.long}
        wanted = torch.as_tensor(rows, **place)
        passed: dict[str, Any] = {"input_ids": torch.as_tensor(tokens, **place)[None]}
        passed["use_cache"] = keep
        if positions is not None and "position_ids" in self._accepts:
            passed["position_ids"] = torch.as_tensor(positions, **place)[None]
        if cache is not None:
            passed[self._cache_name] = cache
        if "logits_to_keep" in self._accepts:
            passed["logits_to_keep"] = wanted
        with memory_on(self.device), torch.inference_mode():
            output = self.network(**passed)
            logits = output.logits[0]
            if "logits_to_keep" not in self._accepts:  # code of the model's own
                logits = logits[wanted]
            found: NDArray[np.float32] = logits.float().cpu().numpy()
        named = (name for name in CACHE_NAMES if name in output.keys())  # noqa: SIM118  # by `in`
        return found, next((output[name] for name in named), None)

    def begin(self) -> DynamicCache:
        """An empty cache, of the layers that the configuration names."""
        return DynamicCache(config=self.config)

    def copied(self, state: Any) -> Any:
        """A cache of the same tokens, which may go on by itself."""
        with memory_on(self.device):
            return copy.deepcopy(state)

    def state_bytes(self, state: Any) -> int:
        """Bytes of the tensors in a cache, however it keeps them."""
        if isinstance(state, torch.Tensor):
            return int(state.numel() * state.element_size())
        if isinstance(state, dict):
            return sum(map(self.state_bytes, state.values()))
        if isinstance(state, list | tuple):
            return sum(map(self.state_bytes, state))
        return self.state_bytes(vars(state)) if hasattr(state, "__dict__") else 0


def load_tokenizer(path: str, *, trust: bool) -> Any:
    """The tokenizer of a folder.

    Raises:
        WorkerError: there is none, or it is wrong.
    """
    try:
        return transformers.AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=trust
        )
    except LOADING as error:
        raise WorkerError(f"transformers cannot load the tokenizer: {_reason(error)}") from error


def _load(path: str, dtype: torch.dtype, *, trust: bool) -> Any:
    try:
        network, report = transformers.AutoModelForCausalLM.from_pretrained(
            path,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=trust,
            output_loading_info=True,
        )
    except LOADING as error:
        raise WorkerError(f"transformers cannot load the weights: {_reason(error)}") from error
    # transformers would fill these with random numbers.
    missing = sorted(report["missing_keys"])
    if missing:
        raise WorkerError(
            f"the weights lack {len(missing)} tensors of the architecture "
            f"{network.config.model_type}, e.g. {missing[0]}"
        )
    return network


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "trust_remote_code" in text:
        return (
            "the model brings Python code of its own, which is not run; if you trust its author: "
            "settings: {trust_remote_code: true}, and --trust-remote-code"
        )
    return text[:300]
