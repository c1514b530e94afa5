"""Runtime `mlx`: safetensors in process, through MLX and mlx-lm."""

from __future__ import annotations

from typing import Any

from runners.engine.folder_text import Text
from runners.engine.one_model import OneModel, Opened
from runners.runtimes.mlx.devices import offloaded, own_bytes
from runners.runtimes.mlx.library import mlx, mlx_lm
from runners.runtimes.mlx.model import Model, load_tokenizer

VERSION: str = mlx_lm.__version__
BUILD: str = f"mlx {mlx.core.__version__}"


class Mlx(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    name = "mlx"

    def _open(self, path: str, settings: dict[str, Any]) -> Opened:
        model = Model(path, settings)
        text = Text(load_tokenizer(path), ends=model.ends, rows=model.vocabulary)
        return Opened(
            model=model,
            text=text,
            trained=model.trained_context(text.length),
            threads=settings["threads"],
            compute=model.dtype,
            device=model.device,
            offloaded=offloaded(mlx.core, model.device),
        )

    def device_memory(self) -> dict[str, int]:
        """The most that MLX's arrays took since this was last asked."""
        return own_bytes(mlx.core)
