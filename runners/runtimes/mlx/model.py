"""A model of mlx-lm: how it is loaded, and one forward pass."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runners.engine.recommended import choosing
from runners.runtimes.mlx.library import (
    caches,
    get_total_parameters,
    load_config,
    load_model,
    mlx,
    transformers,
)
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

mx = mlx.core
DTYPES = {"float32": mx.float32, "bfloat16": mx.bfloat16, "float16": mx.float16}
LENGTH_KEYS = ("n_positions", "max_position_embeddings", "n_ctx")
DEFAULT_TRAINED_CONTEXT = 2048
"""Context in tokens where neither configuration nor tokenizer names one, as in lm-eval's HFLM."""
ENDLESS = 10**18
"""A tokenizer's `model_max_length` above it means "not said"."""
LOADING = (OSError, ValueError, RuntimeError, ImportError, LookupError, AttributeError, TypeError)
"""Exceptions of mlx-lm over a folder that is damaged, incomplete or unknown to it."""
EAGER_ROWS = 8
"""Fewer tokens than this before the first wanted row are not worth a pass of their own."""


def choose_device(asked: str) -> None:
    """Make a device the default; `auto` leaves MLX's own: a Mac's GPU, else the CPU.

    Raises:
        WorkerError: there is none such here.
    """
    if asked == "gpu" and not mx.metal.is_available() and not _has_cuda():
        raise WorkerError("device gpu: MLX finds none here; settings.device: auto")
    if asked != "auto":
        mx.set_default_device(mx.gpu if asked == "gpu" else mx.cpu)


def older_keys(config: dict[str, Any]) -> dict[str, Any]:
    """The keys of a `config.json` of transformers 5 that mlx-lm knows by older names.

    Both keep the base of the rotary embedding; mlx-lm takes a default of its own, without a word,
    where it stands in `rope_parameters` alone.
    """
    told = config.get("rope_parameters")
    if not isinstance(told, dict) or "rope_theta" in config or "rope_theta" not in told:
        return {}
    scaled = told.get("rope_type", "default") != "default"
    return {"rope_theta": told["rope_theta"], **({"rope_scaling": told} if scaled else {})}


def _check_rotary(network: Any, config: dict[str, Any]) -> None:
    """Refuse a base by kind of layer that mlx-lm would replace by a default, without a word."""
    told = config.get("rope_parameters")
    if told and "rope_theta" not in told and not hasattr(network.args, "rope_parameters"):
        raise WorkerError(
            f"mlx-lm does not read rope_parameters of {config.get('model_type')}: positions would "
            "be wrong; use a folder that older transformers saved, or runtime hf"
        )


def _has_cuda() -> bool:
    return hasattr(mx, "cuda") and bool(mx.cuda.is_available())


class Model:
    """Weights and architecture, as mlx-lm has them."""

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        choose_device(settings["device"])
        folder = Path(path)
        try:
            older = older_keys(load_config(folder))
            self.config: dict[str, Any]
            self.network, self.config = load_model(folder, model_config=older)
            if settings["dtype"] != "auto":
                self.network.set_dtype(DTYPES[settings["dtype"]])
            self._vocabulary = int(self._pass([0], None).shape[-1])
        except LOADING as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise WorkerError(f"mlx-lm cannot load the weights: {reason[:300]}") from error
        _check_rotary(self.network, self.config)
        self._generation = _json(folder / "generation_config.json")
        leaves = [array for _, array in mlx.utils.tree_flatten(self.network.parameters())]
        mx.eval(leaves)
        self.bytes = sum(int(array.nbytes) for array in leaves)
        self.dtype = _most(leaves)

    @property
    def architecture(self) -> str:
        """The model type of its configuration."""
        return str(self.config.get("model_type", ""))

    @property
    def vocabulary(self) -> int:
        """Logits of a row; may be more than the tokenizer has tokens."""
        return self._vocabulary

    @property
    def exact(self) -> bool:
        """True in float32 without quantised weights, which are multiplied by other kernels."""
        return self.dtype == "float32" and not self.config.get("quantization")

    @property
    def parameters(self) -> int:
        """Number of parameters; tied ones count once, packed ones as the numbers that they are."""
        return int(get_total_parameters(self.network))

    @property
    def ends(self) -> list[int | None]:
        """Tokens that end a generation by the model's own settings."""
        said = self.config.get("eos_token_id")
        return said if isinstance(said, list) else [said]

    @property
    def device(self) -> str:
        """`cpu` or `gpu`."""
        return str(mx.default_device().type).rpartition(".")[2]

    def recommended(self) -> dict[str, Any]:
        """Settings of `generation_config.json` that change which tokens are chosen."""
        return choosing(self._generation)

    def trained_context(self, tokenizer_length: int) -> int:
        """Tokens, from where lm-eval's HFLM takes them."""
        inner = self.config.get("text_config") or self.config
        said = [inner.get(key) for key in LENGTH_KEYS]
        found = next((int(value) for value in said if value is not None), tokenizer_length)
        return found if found < ENDLESS else DEFAULT_TRAINED_CONTEXT

    def forward(
        self,
        tokens: Sequence[int] | NDArray[np.int32],
        positions: Sequence[int] | NDArray[np.int32] | None,  # noqa: ARG002  # the cache knows
        state: Any,
        rows: Sequence[int] | NDArray[np.int64],
        *,
        keep: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Evaluate tokens of batch 1; see `StatefulModel`.

        As in mlx-lm's own loop, no logits are computed of tokens before the first wanted row.
        """
        ids = np.asarray(tokens, dtype=np.int32).tolist()
        wanted = np.asarray(rows, dtype=np.int64)
        if keep and state is None:
            state = self.begin()
        skipped = int(wanted[0]) if len(wanted) else len(ids)
        if not keep or skipped < EAGER_ROWS:
            skipped = 0
        if skipped:
            self._pass(ids[:skipped], state)
            mx.eval([one.state for one in state])
        found = np.empty((0, self.vocabulary), dtype=np.float32)
        if skipped < len(ids):
            logits = self._pass(ids[skipped:], state if keep else None)
            found = np.array(logits[mx.array(wanted - skipped)].astype(mx.float32))
        if keep:
            mx.eval([one.state for one in state])
        return found, state if keep else None

    def begin(self) -> Any:
        """An empty cache, as the architecture wants it."""
        return caches.make_prompt_cache(self.network)

    def copied(self, state: Any) -> Any:
        """A cache of the same tokens, which may go on by itself."""
        return copy.deepcopy(state)

    def state_bytes(self, state: Any) -> int:
        """Bytes of a cache, which grows by 256 tokens at a time."""
        return sum(int(one.nbytes) for one in state)

    def _pass(self, ids: list[int], state: Any) -> Any:
        """Logits of each token, shape (tokens, vocabulary), not computed yet."""
        return self.network(mx.array([ids]), cache=state)[0]


def _most(arrays: Sequence[Any]) -> str:
    """Floating type that most numbers have, of packed weights their scales."""
    sizes: dict[Any, int] = {}
    for array in arrays:
        if mx.issubdtype(array.dtype, mx.floating):
            sizes[array.dtype] = sizes.get(array.dtype, 0) + int(array.size)
    return str(max(sizes, key=sizes.__getitem__)).rpartition(".")[2]


def load_tokenizer(path: str) -> Any:
    """The tokenizer of a folder.

    Raises:
        WorkerError: there is none, or it is wrong.
    """
    try:
        return transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
    except LOADING as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WorkerError(f"transformers cannot load the tokenizer: {reason[:300]}") from error


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
