"""Runtime `llamacpp`: GGUF weights in process, through llama.cpp's C API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import llama_cpp

from runners.worker import packed, protocol
from runners.worker.chat import ChatTemplateError, render
from runners.worker.encoding import Scoring, encode_pair, rolling_windows
from runners.worker.llama_api import Model, build_info
from runners.worker.llama_contexts import Contexts
from runners.worker.logprobs import Sampler
from runners.worker.one_request import item_sampler, prompt_tokens, timed_request
from runners.worker.passage import passage
from runners.worker.runtime import OnProgress, WorkerError
from runners.worker.scoring import item_score, score_plain
from runners.worker.sizing import WAVE_TOKENS
from runners.worker.stopping import StopWatcher

if TYPE_CHECKING:
    from runners.worker.llama_api import Context
    from runners.worker.scoring import ScoreItems

VERSION: str = llama_cpp.__version__
BUILD: str = build_info()

DEFAULT_CONTEXT = 4096
SHARED, COPIED = "prefix tree, tokens in several sequences", "prefix tree, sequences copied"


class LlamaCpp:
    """One GGUF model; at most one context at a time."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._contexts: Contexts | None = None
        self._length = 0
        """The candidate's own context length, tokens."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Map or read the weights."""
        if message.path is None:
            raise WorkerError("the runtime llamacpp needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, mmap=settings["mmap"])
        seconds = time.perf_counter() - started
        self._model = model
        self._length = int(settings["context"] or min(model.trained_context, DEFAULT_CONTEXT))
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
            architecture=model.meta("general.architecture"),
            chat_template=bool(model.meta("tokenizer.chat_template")),
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        model, contexts = self._ready()
        total = message.prompt_tokens + message.new_tokens
        if total > self._length:
            raise WorkerError(
                f"workload {message.prompt_tokens}+{message.new_tokens} needs a context of {total} "
                f"tokens, the candidate's is {self._length}"
            )
        context = contexts.one_request()
        text = _prompt_text(model, message.prompt_tokens)
        first_ns = 0
        warmups: list[protocol.RequestTimes] = []
        repeats: list[protocol.RequestTimes] = []
        for number in range(message.warmups + message.repeats):
            started = time.perf_counter_ns()
            tokens = model.encode(text, True)[: message.prompt_tokens]
            if len(tokens) < message.prompt_tokens:
                raise WorkerError(f"no text of {message.prompt_tokens} tokens could be made")
            times, _ = timed_request(
                context, model, tokens, message.new_tokens, started_ns=started, sampler=Sampler()
            )
            first_ns = first_ns or started + int(times.token_s[times.first_text or 0] * 1e9)
            (warmups if number < message.warmups else repeats).append(times)
            progress(number + 1)
        return protocol.LatencyTimes(
            warmups=warmups,
            repeats=repeats,
            evaluated_tokens=len(tokens),
            first_token_ns=first_ns,
        )

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
        return self._score(contexts.engine().scorer.score, items, progress)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, in the context of a one-user deployment."""
        _, contexts = self._ready()
        context: Context = contexts.plain()
        return self._score(lambda *what: score_plain(context, *what), items, progress)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other, in the context of a one-user deployment; or packed."""
        model, contexts = self._ready()
        if message.packed:
            engine = contexts.engine()
            engine.scorer.forget()
            return packed.generated(
                engine.context,
                model,
                [(item, *self._prompt(item)) for item in message.items],
                cells=engine.size.cells,
                sequences=engine.size.sequences,
                progress=progress,
            )
        answers = []
        for number, item in enumerate(message.items):
            started = time.perf_counter_ns()
            tokens, truncated = self._prompt(item)
            watcher = StopWatcher(item.until)
            times, stop = timed_request(
                contexts.one_request(), model, tokens, item.max_tokens,
                started_ns=started, sampler=item_sampler(item), watcher=watcher,
            )  # fmt: skip
            answers.append(
                protocol.ItemText(
                    text=watcher.text(),
                    stop=stop,
                    prompt_tokens=len(tokens),
                    new_tokens=len(times.token_s),
                    times=times,
                    truncated=truncated,
                )
            )
            progress(number + 1)
        return protocol.Generated(items=answers)

    def chat_prompt(self, message: protocol.RenderChat) -> str:
        """Render with the template that the file carries."""
        model, _ = self._ready()
        template = model.meta("tokenizer.chat_template")
        if not template:
            raise WorkerError("the model has no chat template")
        try:
            return render(
                template,
                message.messages,
                add_generation_prompt=message.add_generation_prompt,
                bos=model.text_of(model.bos),
                eos=model.text_of(model.eos),
            )
        except ChatTemplateError as error:
            raise WorkerError(str(error)) from error

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

    def _score(
        self, how: ScoreItems, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        started = time.perf_counter()
        scorings = [self._scorings(item) for item in items]
        nats, greedy, evaluated = how(scorings, progress)
        return protocol.Scored(
            items=[item_score(*part) for part in zip(items, scorings, nats, greedy, strict=True)],
            seconds=time.perf_counter() - started,
            raw_tokens=sum(len(s.read) for part in scorings for s in part),
            distinct_tokens=evaluated,
        )

    def _prompt(self, item: protocol.GenerateItem) -> tuple[list[int], bool]:
        model, _ = self._ready()
        return prompt_tokens(
            model.encode, item, length=self._length, prefix_token=model.prefix_token
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        model, _ = self._ready()
        if item.rolling:
            tokens = model.encode(item.contexts[0], True)
            return rolling_windows(tokens, prefix_token=model.prefix_token, max_length=self._length)
        encode = cache(model.encode)  # the choices of an item share their context
        return [
            encode_pair(
                encode,
                item.contexts[context],
                continuation,
                prefix_token=model.prefix_token,
                max_length=self._length,
            )
            for context, continuation in item.continuations
        ]


def _prompt_text(model: Model, tokens: int) -> str:
    """A text that encodes to at least `tokens` tokens, and to few more."""
    characters = 3 * tokens
    while len(ids := model.encode(passage(characters), True)) < tokens:
        characters *= 2
    kept = ids[: tokens + 8]
    return b"".join(model.piece(token) for token in kept).decode("utf-8", "replace")
