"""Runtime `hf`: safetensors in process, through transformers and torch."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from runners.engine.folder_text import Text
from runners.engine.one_model import OneModel, Opened
from runners.engine.self_check import BRANCHES, CELLS, CHECKED, UNFIT
from runners.engine.sizing import WAVE_TOKENS, EngineSize
from runners.runtimes.hf.cells import CellDecoder, shares_cells
from runners.runtimes.hf.devices import offloaded, own_bytes
from runners.runtimes.hf.halving import Halving
from runners.runtimes.hf.model import VERSION, Model, build_info, load_tokenizer

if TYPE_CHECKING:
    from runners.engine.decoder import Decoder

BUILD: str = build_info()

__all__ = ["BUILD", "VERSION", "Hf"]


class Hf(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    name = "hf"

    def _open(self, path: str, settings: dict[str, Any]) -> Opened:
        model = Model(path, settings)
        text = Text(
            load_tokenizer(path, trust=settings["trust_remote_code"]),
            ends=model.ends,
            rows=model.network.get_input_embeddings().weight.shape[0],
        )
        return Opened(
            model=model,
            text=text,
            trained=model.trained_context(text.length),
            threads=settings["threads"],
            compute=str(model.dtype).removeprefix("torch."),
            device=str(model.device),
            offloaded=offloaded(model.device),
            tried_cells=lambda: _tried_cells(model),
            cells=lambda size: _scoring_cells(model, size),
        )

    def device_memory(self) -> dict[str, int]:
        """The most that torch had on its device since this was last asked."""
        model = self._ready().model
        return own_bytes(model.device) if isinstance(model, Model) else {}


def _tried_cells(model: Model) -> CellDecoder | None:
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
