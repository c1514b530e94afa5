"""Runtime `openvino`: models of OpenVINO's in process, compiled for the processor."""

from __future__ import annotations

from typing import Any

import openvino as ov
import openvino_genai

from runners.engine.one_model import OneModel, Opened
from runners.runtimes.openvino.model import Model
from runners.runtimes.openvino.text import Text

VERSION: str = openvino_genai.get_version()
BUILD: str = f"openvino {ov.get_version()}"


class OpenVino(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    name = "openvino"

    def _open(self, path: str, settings: dict[str, Any]) -> Opened:
        model = Model(path, settings)
        return Opened(
            model=model,
            text=Text(path, ends=model.ends),
            trained=model.trained_context,
            threads=model.threads,
            compute=model.compute,
            device="cpu",
        )
