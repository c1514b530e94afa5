"""Runtime `hf`: safetensors in process, through transformers and torch."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from runners.engine.folder_text import Text
from runners.engine.one_model import DEFAULT_CONTEXT, LoadedModel, OneModel
from runners.engine.self_check import BRANCHES, CELLS, CHECKED, UNFIT, check
from runners.engine.sizing import WAVE_TOKENS, EngineSize
from runners.runtimes.hf.cells import CellDecoder, shares_cells
from runners.runtimes.hf.devices import offloaded, own_bytes
from runners.runtimes.hf.halving import Halving
from runners.runtimes.hf.model import VERSION, Model, build_info, load_tokenizer
from runners.worker import protocol
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from runners.engine.decoder import Decoder

BUILD: str = build_info()

__all__ = ["BUILD", "VERSION", "Hf"]


class Hf(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read the weights and the tokenizer, and hold what the model does to plain passes."""
        if message.path is None:
            raise WorkerError("the runtime hf needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, settings)
        text = Text(
            load_tokenizer(message.path, trust=settings["trust_remote_code"]),
            ends=model.ends,
            rows=model.network.get_input_embeddings().weight.shape[0],
        )
        trained = model.trained_context(text.length)
        length = int(settings["context"] or min(trained, DEFAULT_CONTEXT))
        seconds = time.perf_counter() - started
        checked = check(model, _cells(model))
        self.loaded = LoadedModel(
            model=model,
            text=text,
            checked=checked,
            length=length,
            cells=lambda size: _scoring_cells(model, size),
        )
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
            compute=str(model.dtype).removeprefix("torch."),
            device=str(model.device),
            recommends=model.recommended(),
            checked_s=checked.seconds,
            packs=checked.packs,
            caches=checked.caches,
            offloaded=offloaded(model.device),
        )

    def device_memory(self) -> dict[str, int]:
        """The most that torch had on its device since this was last asked."""
        model = self._ready().model
        return own_bytes(model.device) if isinstance(model, Model) else {}


def _cells(model: Model) -> CellDecoder | None:
    """Cells for the check; None where a layer keeps something else than keys and values."""
    with contextlib.suppress(*UNFIT):  # a configuration that transformers' cache does not know
        if shares_cells(model):
            return CellDecoder(
                model, cells=CELLS, sequences=BRANCHES, batch_tokens=CHECKED, rows=CHECKED
            )
    return None


def _scoring_cells(model: Model, size: EngineSize) -> Decoder:
    cells = CellDecoder(
        model,
        cells=size.cells,
        sequences=size.sequences,
        batch_tokens=WAVE_TOKENS,
        rows=size.rows,
    )
    return Halving(cells)
