"""Runtime `hf`: safetensors in process, through transformers and torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from runners.engine import divergence, packed
from runners.engine.encoding import Scoring, item_scorings
from runners.engine.one_request import check_fits, generated, read_prompt, timed_workload
from runners.engine.scoring import score_plain, scored
from runners.engine.sizing import LEAST_SEQUENCES
from runners.engine.workload_text import passage
from runners.runtimes.hf.engine import Engine
from runners.runtimes.hf.model import VERSION, Model, build_info
from runners.runtimes.hf.self_check import Checked, check
from runners.runtimes.hf.states import UserDecoder, WholeDecoder
from runners.runtimes.hf.tokenizer import Text
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

if TYPE_CHECKING:
    from runners.engine.one_request import Prompt
    from runners.engine.scoring import ScoreItems

BUILD: str = build_info()

__all__ = ["BUILD", "VERSION", "Hf"]
DEFAULT_CONTEXT = 4096


class Hf:
    """One model and its tokenizer; at most one scoring engine at a time."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._text: Text | None = None
        self._checked: Checked | None = None
        self._engine: Engine | None = None
        self._length = 0
        """The candidate's own context length, tokens."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read the weights and the tokenizer, and hold what the model does to plain passes."""
        if message.path is None:
            raise WorkerError("the runtime hf needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, settings)
        text = Text(
            message.path,
            trust=settings["trust_remote_code"],
            generation_config=model.network.generation_config,
            rows=model.network.get_input_embeddings().weight.shape[0],
        )
        self._model, self._text = model, text
        trained = model.trained_context(text.length)
        self._length = int(settings["context"] or min(trained, DEFAULT_CONTEXT))
        seconds = time.perf_counter() - started
        self._checked = checked = check(model)
        return protocol.Loaded(
            seconds=seconds,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=self._length,
            trained_context=trained,
            threads=settings["threads"],
            vocabulary=model.vocabulary,
            architecture=model.architecture,
            chat_template=bool(text.template),
            compute=str(model.dtype).removeprefix("torch."),
            device=str(model.device),
            recommends=model.recommended(),
            checked_s=checked.seconds,
            packs=checked.scoring is not WholeDecoder,
            caches=checked.caches,
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        _, text = self._ready()
        check_fits(message, self._length)
        prompt = _prompt_text(text, message)
        return timed_workload(self._alone(), text, text.encode, prompt, message, progress)

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:
        """Choose how sequences are scored, and size it."""
        model, _ = self._ready()
        self._engine = Engine(
            model, self._check(), length=self._length, memory_bytes=message.memory_bytes
        )
        return self._engine.opened

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window, each distinct beginning once where the model allows it."""
        return self._score(self._open_engine().score, items, progress)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, without a cache."""
        model, _ = self._ready()
        decoder = WholeDecoder(model, batch_tokens=self._length, rows=LEAST_SEQUENCES)
        return self._score(partial(score_plain, decoder), items, progress)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:
        """Evaluate a window of text, without a cache."""
        model, text = self._ready()
        started = time.perf_counter()
        tokens = divergence.window_tokens(text.encode, message, self._length)
        rows = len(divergence.scored(len(tokens)))
        decoder = WholeDecoder(model, batch_tokens=len(tokens), rows=rows)
        logits = divergence.window_logits(decoder, tokens)
        return divergence.diverged(logits, tokens, message, started)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other, each from an empty cache; or packed."""
        _, text = self._ready()
        text.close_turns(message.turn_end)
        if message.packed:
            engine = self._open_engine()
            engine.scorer.forget()
            return packed.generated(
                engine.decoder,
                text,
                [(item, self._prompt(item)) for item in message.items],
                cells=engine.size.cells,
                sequences=engine.size.sequences,
                progress=progress,
            )
        return generated(self._alone(), text, message.items, self._prompt, progress)

    def chat_template(self) -> protocol.ChatTemplate:
        """The tokenizer's template."""
        _, text = self._ready()
        return text.chat_template()

    def close(self) -> None:
        """Free the cache, then the weights."""
        self._engine = self._checked = self._text = self._model = None

    def _ready(self) -> tuple[Model, Text]:
        if self._model is None or self._text is None:
            raise WorkerError("no weights are loaded")
        return self._model, self._text

    def _check(self) -> Checked:
        if self._checked is None:
            raise WorkerError("no weights are loaded")
        return self._checked

    def _alone(self) -> UserDecoder:
        """One sequence, in its cache where the model goes on from that rightly."""
        model, _ = self._ready()
        return UserDecoder(model, length=self._length, caches=self._check().caches)

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise WorkerError("the scoring engine is not open")
        return self._engine

    def _score(
        self, how: ScoreItems, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        found = scored(how, items, self._scorings, progress)
        return replace(found, halved_to=self._engine.halved_to if self._engine else None)

    def _prompt(self, item: protocol.GenerateItem) -> Prompt:
        _, text = self._ready()
        return read_prompt(
            text.encode_prompt, item, length=self._length, prefix_token=text.prefix_token
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        _, text = self._ready()
        return item_scorings(
            text.encode, item, prefix_token=text.prefix_token, max_length=self._length
        )


def _prompt_text(text: Text, message: protocol.RunLatency) -> str:
    """A beginning of the passage that is as many tokens long as asked for, or a little longer."""
    characters = message.prompt_tokens
    while len(text.encode(passage(characters)[:characters], True)) < message.prompt_tokens:
        characters += message.prompt_tokens
    return passage(characters)[:characters]
