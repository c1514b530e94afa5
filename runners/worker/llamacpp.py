"""Runtime `llamacpp`: GGUF weights in process, through llama.cpp's C API."""

from __future__ import annotations

import time
from collections.abc import Sequence

import llama_cpp
import numpy as np

from runners.worker import protocol
from runners.worker.chat import ChatTemplateError, render
from runners.worker.encoding import Scoring, encode_pair, rolling_windows
from runners.worker.llama_api import Context, Model, build_info
from runners.worker.logprobs import choose
from runners.worker.passage import passage
from runners.worker.prefix_tree import Limits
from runners.worker.runtime import OnProgress, WorkerError
from runners.worker.scoring import item_score, score_window
from runners.worker.stopping import StopWatcher

VERSION: str = llama_cpp.__version__
BUILD: str = build_info()

DEFAULT_CONTEXT = 4096
WAVE_TOKENS = 512
SEQUENCES = 64


class LlamaCpp:
    """One GGUF model; at most one context at a time."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._context: Context | None = None
        self._use = ""
        self._settings: protocol.Load | None = None

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Map or read the weights."""
        if message.path is None:
            raise WorkerError("the runtime llamacpp needs weights")
        started = time.perf_counter()
        model = Model(message.path, mmap=message.settings["mmap"])
        self._model, self._settings = model, message
        return protocol.Loaded(
            seconds=time.perf_counter() - started,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=self._length,
            trained_context=model.trained_context,
            threads=message.settings["threads"],
            vocabulary=model.vocabulary,
            architecture=model.meta("general.architecture"),
            chat_template=bool(model.meta("tokenizer.chat_template")),
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        total = message.prompt_tokens + message.new_tokens
        if total > self._length:
            raise WorkerError(
                f"workload {message.prompt_tokens}+{message.new_tokens} needs a context of {total} "
                f"tokens, the candidate's is {self._length}"
            )
        context = self._open("one request", cells=self._length)
        text = self._prompt_text(message.prompt_tokens)
        first_ns = 0
        warmups: list[protocol.RequestTimes] = []
        repeats: list[protocol.RequestTimes] = []
        for number in range(message.warmups + message.repeats):
            started = time.perf_counter_ns()
            tokens = self._ready_model.encode(text, True)[: message.prompt_tokens]
            if len(tokens) < message.prompt_tokens:
                raise WorkerError(f"no text of {message.prompt_tokens} tokens could be made")
            times, _ = self._run(context, tokens, message.new_tokens, started, None, None)
            first_ns = first_ns or started + int(times.token_s[0] * 1e9)
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
        row_bytes = 4 * self._ready_model.vocabulary
        rows = max(SEQUENCES, min(WAVE_TOKENS, message.memory_bytes // row_bytes))
        context = self._open("engine", cells=self._engine_cells, rows=rows)
        return protocol.EngineOpened(
            path="trunk and branches, sequences copied",
            cells=self._engine_cells,
            sequences=SEQUENCES,
            batch_tokens=WAVE_TOKENS,
            output_rows=rows,
            kv_bytes=context.kv_bytes,
            output_bytes=rows * row_bytes,
        )

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window from an empty cache."""
        if self._use != "engine" or self._context is None:
            raise WorkerError("the scoring engine is not open")
        started = time.perf_counter()
        scorings = [self._scorings(item) for item in items]
        limits = Limits(wave_tokens=WAVE_TOKENS, sequences=SEQUENCES, cells=self._engine_cells)
        nats, greedy, evaluated = score_window(self._context, scorings, limits, progress)
        return protocol.Scored(
            items=[item_score(*part) for part in zip(items, scorings, nats, greedy, strict=True)],
            seconds=time.perf_counter() - started,
            raw_tokens=sum(len(s.read) for part in scorings for s in part),
            distinct_tokens=evaluated,
        )

    def generate(
        self, items: Sequence[protocol.GenerateItem], progress: OnProgress
    ) -> protocol.Generated:
        """Answer one prompt after the other, in the context of a one-user deployment."""
        context = self._open("one request", cells=self._length)
        answers = []
        for number, item in enumerate(items):
            answers.append(self._generate_one(context, item))
            progress(number + 1)
        return protocol.Generated(items=answers)

    def chat_prompt(self, message: protocol.RenderChat) -> str:
        """Render with the template that the file carries."""
        model = self._ready_model
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
        if self._context:
            self._context.free()
        if self._model:
            self._model.free()

    @property
    def _ready_model(self) -> Model:
        if self._model is None:
            raise WorkerError("no weights are loaded")
        return self._model

    @property
    def _length(self) -> int:
        """The candidate's own context length, tokens."""
        asked = self._settings.settings["context"] if self._settings else None
        return int(asked or min(self._ready_model.trained_context, DEFAULT_CONTEXT))

    @property
    def _engine_cells(self) -> int:
        return max(self._length, WAVE_TOKENS)

    def _open(self, use: str, *, cells: int, rows: int = 1) -> Context:
        if self._use == use and self._context is not None:
            return self._context
        if self._settings is None:
            raise WorkerError("no weights are loaded")
        if self._context is not None:
            self._context.free()
            self._context = None
        engine = use == "engine"
        self._context = Context(
            self._ready_model,
            cells=cells,
            sequences=SEQUENCES if engine else 1,
            threads=self._settings.settings["threads"],
            kv_type=self._settings.settings["kv_cache_type"],
            rows=rows,
            unified=engine,
        )
        self._use = use
        return self._context

    def _prompt_text(self, tokens: int) -> str:
        """A text that encodes to at least `tokens` tokens, and to few more."""
        model = self._ready_model
        characters = 3 * tokens
        while len(ids := model.encode(passage(characters), True)) < tokens:
            characters *= 2
        kept = ids[: tokens + 8]
        return b"".join(model.piece(token) for token in kept).decode("utf-8", "replace")

    def _run(
        self, context: Context, tokens: Sequence[int], new_tokens: int, started_ns: int,
        watcher: StopWatcher | None, item: protocol.GenerateItem | None,
    ) -> tuple[protocol.RequestTimes, str]:  # fmt: skip
        """Prefill and decode one request from an empty cache; without an item: greedy, no stop."""
        model = self._ready_model
        context.clear()
        for start in range(0, len(tokens), context.batch_tokens):
            part = tokens[start : start + context.batch_tokens]
            flags = np.zeros(len(part), dtype=np.int8)
            flags[-1] = start + len(part) == len(tokens)
            logits = context.decode(part, np.arange(start, start + len(part)), 0, flags)
        prefill_s = (time.perf_counter_ns() - started_ns) / 1e9
        temperature, top_k, top_p = 0.0, 0, 1.0
        generator = None
        if item is not None and item.temperature > 0:
            temperature, top_k, top_p = item.temperature, item.top_k, item.top_p
            generator = np.random.default_rng(item.seed)
        token_s: list[float] = []
        stop = "length"
        for position in range(len(tokens), len(tokens) + new_tokens):
            token = choose(
                logits[0], temperature=temperature, top_k=top_k, top_p=top_p, generator=generator
            )
            if watcher is not None and model.ends(token):
                stop = "end of sequence"
                break
            piece = model.piece(token)
            token_s.append((time.perf_counter_ns() - started_ns) / 1e9)
            # A stop string may name a special token, whose text is not shown in the answer.
            if watcher is not None and watcher.add(piece, hidden=model.text_of(token)):
                stop = "until"
                break
            if len(token_s) < new_tokens:
                logits = context.decode((token,), (position,), 0, (1,))
        return protocol.RequestTimes(prefill_s=prefill_s, token_s=token_s), stop

    def _generate_one(self, context: Context, item: protocol.GenerateItem) -> protocol.ItemText:
        started = time.perf_counter_ns()
        room = self._length - item.max_tokens
        if room < 1:
            raise WorkerError(
                f"{item.max_tokens} new tokens leave no room for a prompt in a context of "
                f"{self._length} tokens"
            )
        tokens = self._ready_model.encode(item.prompt, True) or [self._ready_model.prefix_token]
        watcher = StopWatcher(item.until)
        times, stop = self._run(context, tokens[-room:], item.max_tokens, started, watcher, item)
        return protocol.ItemText(
            text=watcher.text(),
            stop=stop,
            prompt_tokens=min(len(tokens), room),
            times=times,
            truncated=len(tokens) > room,
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        model = self._ready_model
        if item.rolling:
            tokens = model.encode(item.contexts[0], True)
            return rolling_windows(tokens, prefix_token=model.prefix_token, max_length=self._length)
        return [
            encode_pair(
                model.encode,
                item.contexts[context],
                continuation,
                prefix_token=model.prefix_token,
                max_length=self._length,
            )
            for context, continuation in item.continuations
        ]
