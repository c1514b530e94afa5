"""Runtime `llamacpp`: GGUF weights in process, through llama.cpp's C API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import llama_cpp

from runners.engine import divergence, packed
from runners.engine.encoding import Scoring, item_scorings
from runners.engine.one_request import check_fits, generated, read_prompt, timed_workload
from runners.engine.scoring import score_plain, scored
from runners.engine.sizing import WAVE_TOKENS, context_length
from runners.engine.workload_text import passage
from runners.runtimes.llamacpp.api import Model, build_info
from runners.runtimes.llamacpp.contexts import Contexts
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

if TYPE_CHECKING:
    from runners.engine.one_request import Prompt
    from runners.runtimes.llamacpp.api import Context
    from runners.runtimes.llamacpp.text import Text

VERSION: str = llama_cpp.__version__
BUILD: str = build_info()

DEFAULT_CONTEXT = 4096
SAMPLING_KEYS = {
    "temp": "temperature", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
    "penalty_repeat": "repetition_penalty",
}  # fmt: skip
"""Keys of a GGUF's `general.sampling`."""
SHARED, COPIED = "prefix tree, tokens in several sequences", "prefix tree, sequences copied"


class LlamaCpp:
    """One GGUF model; at most one context at a time."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._contexts: Contexts | None = None
        self._length = 0
        """The candidate's own context length, tokens."""
        self._answering = 0
        """The context length that generations are answered in, tokens."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Map or read the weights."""
        if message.path is None:
            raise WorkerError("the runtime llamacpp needs weights")
        settings = message.settings
        started = time.perf_counter()
        repacks = message.extra_buffers and settings["repack"]
        model = Model(
            message.path,
            mmap=settings["mmap"],
            extra_buffers=repacks,
            gpu_layers=settings["gpu_layers"],
            device=settings["device"],
        )
        seconds = time.perf_counter() - started
        self._model = model
        self._length = int(settings["context"] or min(model.trained_context, DEFAULT_CONTEXT))
        self._answering = self._length
        self._contexts = Contexts(
            model,
            length=self._length,
            threads=settings["threads"],
            kv_type=settings["kv_cache_type"],
        )
        return protocol.Loaded(
            seconds=seconds,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=self._length,
            trained_context=model.trained_context,
            threads=settings["threads"],
            vocabulary=model.vocabulary,
            architecture=model.text.meta("general.architecture"),
            chat_template=bool(model.text.template),
            recommends=_recommended(model.text),
            offloaded=model.offloaded,
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        model, contexts = self._ready()
        check_fits(message, self._length)
        context = contexts.one_request()
        text = _prompt_text(model.text, message.prompt_tokens)
        return timed_workload(context, model.text, model.text.encode, text, message, progress)

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:
        """Make the context that scores several sequences at once."""
        model, contexts = self._ready()
        engine = contexts.size_engine(message.memory_bytes)
        return protocol.EngineOpened(
            path=COPIED if model.recurrent else SHARED,
            cells=engine.size.cells,
            sequences=engine.size.sequences,
            batch_tokens=WAVE_TOKENS,
            output_rows=engine.size.rows,
            kv_bytes=engine.context.kv_bytes + engine.context.state_bytes,
            output_bytes=engine.size.output_bytes,
        )

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window, each distinct beginning once."""
        _, contexts = self._ready()
        return scored(contexts.engine().scorer.score, items, self._scorings, progress)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, in the context of a one-user deployment."""
        _, contexts = self._ready()
        context: Context = contexts.plain()
        return scored(partial(score_plain, context), items, self._scorings, progress)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:
        """Evaluate a window of text in a context of its own length."""
        model, contexts = self._ready()
        started = time.perf_counter()
        tokens = divergence.window_tokens(model.text.encode, message, self._length)
        context = contexts.window(len(tokens), len(divergence.scored(len(tokens))))
        logits = divergence.window_logits(context, tokens)
        return divergence.diverged(logits, tokens, message, started)

    def open_context(self, message: protocol.OpenContext) -> protocol.ContextOpened:
        """Make the context that the next prompts are answered in."""
        model, contexts = self._ready()
        self._answering = context_length(message, model.text.encode, own=self._length)
        contexts.one_request(self._answering)
        return protocol.ContextOpened(tokens=self._answering)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other, in a context for one user; or packed."""
        model, contexts = self._ready()
        model.text.close_turns(message.turn_end)
        if message.packed:
            engine = contexts.engine()
            engine.scorer.forget()
            return packed.generated(
                engine.context,
                model.text,
                [(item, self._prompt(item)) for item in message.items],
                limits=engine.scorer.limits,
                progress=progress,
            )
        context = contexts.one_request(self._answering)
        return generated(context, model.text, message.items, self._prompt, progress)

    def chat_template(self) -> protocol.ChatTemplate:
        """The template that the file carries."""
        model, _ = self._ready()
        vocabulary = model.text
        return protocol.ChatTemplate(
            text=vocabulary.template,
            bos=vocabulary.text_of(vocabulary.bos),
            eos=vocabulary.text_of(vocabulary.eos),
        )

    def device_memory(self) -> dict[str, int]:
        """Bytes of the buffers on devices: the weights', and the largest of each kind that contexts
        had since this was last asked.
        """
        model, contexts = self._ready()
        return {**model.device_bytes, **contexts.device_bytes()}

    def close(self) -> None:
        """Free the context, then the weights."""
        if self._contexts:
            self._contexts.free()
        if self._model:
            self._model.free()

    def _ready(self) -> tuple[Model, Contexts]:
        if self._model is None or self._contexts is None:
            raise WorkerError("no weights are loaded")
        return self._model, self._contexts

    def _prompt(self, item: protocol.GenerateItem) -> Prompt:
        model, _ = self._ready()
        return read_prompt(
            model.text.encode, item, length=self._answering, prefix_token=model.text.prefix_token
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        model, _ = self._ready()
        return item_scorings(
            model.text.encode,
            item,
            prefix_token=model.text.prefix_token,
            max_length=self._length,
        )


def _recommended(vocabulary: Text) -> dict[str, float]:
    """Sampling settings of the file's header, by transformers' names; what is no number is none."""
    found: dict[str, float] = {}
    for key, name in SAMPLING_KEYS.items():
        with contextlib.suppress(ValueError):
            found[name] = float(vocabulary.meta(f"general.sampling.{key}"))
    return found


def _prompt_text(vocabulary: Text, tokens: int) -> str:
    """A text that encodes to at least `tokens` tokens, and to few more."""
    characters = 3 * tokens
    while len(ids := vocabulary.encode(passage(characters), True)) < tokens:
        characters *= 2
    return vocabulary.decode(ids[: tokens + 8])
