"""Runtime `mlx`: safetensors in process, through MLX and mlx-lm."""

from __future__ import annotations

import time

from runners.engine.folder_text import Text
from runners.engine.one_model import DEFAULT_CONTEXT, LoadedModel, OneModel
from runners.engine.self_check import check
from runners.runtimes.mlx.library import mlx, mlx_lm
from runners.runtimes.mlx.model import Model, load_tokenizer
from runners.worker import protocol
from runners.worker.runtime import WorkerError

VERSION: str = mlx_lm.__version__
BUILD: str = f"mlx {mlx.core.__version__}"


class Mlx(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read the weights and the tokenizer, and hold what the model does to plain passes."""
        if message.path is None:
            raise WorkerError("the runtime mlx needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, settings)
        text = Text(load_tokenizer(message.path), ends=model.ends, rows=model.vocabulary)
        trained = model.trained_context(text.length)
        length = int(settings["context"] or min(trained, DEFAULT_CONTEXT))
        seconds = time.perf_counter() - started
        checked = check(model)
        self.loaded = LoadedModel(model=model, text=text, checked=checked, length=length)
        return protocol.Loaded(
            seconds=seconds,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=length,
            trained_context=trained,
            threads=settings["threads"],
            vocabulary=model.vocabulary,
            architecture=model.architecture,
            chat_template=bool(text.template),
            compute=model.dtype,
            device=model.device,
            recommends=model.recommended(),
            checked_s=checked.seconds,
            packs=checked.packs,
            caches=checked.caches,
        )
