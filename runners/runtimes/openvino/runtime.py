"""Runtime `openvino`: models of OpenVINO's in process, compiled for the processor."""

from __future__ import annotations

import time

import openvino as ov
import openvino_genai

from runners.engine.one_model import DEFAULT_CONTEXT, LoadedModel, OneModel
from runners.engine.self_check import check
from runners.runtimes.openvino.model import Model
from runners.runtimes.openvino.text import Text
from runners.worker import protocol
from runners.worker.runtime import WorkerError

VERSION: str = openvino_genai.get_version()
BUILD: str = f"openvino {ov.get_version()}"


class OpenVino(OneModel):
    """One model and its tokenizer; at most one scoring engine at a time."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read and compile the model, and hold what it does to plain passes."""
        if message.path is None:
            raise WorkerError("the runtime openvino needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, settings)
        text = Text(message.path, ends=model.ends)
        length = int(settings["context"] or min(model.trained_context, DEFAULT_CONTEXT))
        seconds = time.perf_counter() - started
        checked = check(model)
        self.loaded = LoadedModel(model=model, text=text, checked=checked, length=length)
        return protocol.Loaded(
            seconds=seconds,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=length,
            trained_context=model.trained_context,
            threads=model.threads,
            vocabulary=model.vocabulary,
            architecture=model.architecture,
            chat_template=bool(text.template),
            compute=model.compute,
            device="cpu",
            recommends=model.recommended(),
            checked_s=checked.seconds,
            packs=checked.packs,
            caches=checked.caches,
        )
