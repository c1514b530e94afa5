"""Runtime `hf`: safetensors in process, through transformers and torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners.worker import packed, protocol
from runners.worker.encoding import Scoring, encode_pair, rolling_windows
from runners.worker.hf_engine import Engine
from runners.worker.hf_model import VERSION, Model, build_info
from runners.worker.hf_states import UserDecoder, WholeDecoder
from runners.worker.hf_text import Text
from runners.worker.logprobs import Sampler
from runners.worker.one_request import item_sampler, prompt_tokens, timed_request
from runners.worker.passage import passage
from runners.worker.runtime import OnProgress, WorkerError
from runners.worker.scoring import item_score, score_plain
from runners.worker.sizing import LEAST_SEQUENCES
from runners.worker.stopping import StopWatcher

if TYPE_CHECKING:
    from runners.worker.scoring import ScoreItems

BUILD: str = build_info()

__all__ = ["BUILD", "VERSION", "Hf"]
DEFAULT_CONTEXT = 4096


class Hf:
    """One model and its tokenizer; at most one scoring engine at a time."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._text: Text | None = None
        self._engine: Engine | None = None
        self._length = 0
        """The candidate's own context length, tokens."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read the weights and the tokenizer."""
        if message.path is None:
            raise WorkerError("the runtime hf needs weights")
        settings = message.settings
        started = time.perf_counter()
        model = Model(message.path, settings)
        text = Text(
            message.path,
            trust=settings["trust_remote_code"],
            generation_config=model.network.generation_config,
        )
        self._model, self._text = model, text
        trained = model.trained_context(text.length)
        self._length = int(settings["context"] or min(trained, DEFAULT_CONTEXT))
        return protocol.Loaded(
            seconds=time.perf_counter() - started,
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
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        model, text = self._ready()
        total = message.prompt_tokens + message.new_tokens
        if total > self._length:
            raise WorkerError(
                f"workload {message.prompt_tokens}+{message.new_tokens} needs a context of {total} "
                f"tokens, the candidate's is {self._length}"
            )
        decoder, prompt = UserDecoder(model, length=self._length), _prompt_text(text, message)
        first_ns = 0
        warmups: list[protocol.RequestTimes] = []
        repeats: list[protocol.RequestTimes] = []
        for number in range(message.warmups + message.repeats):
            started = time.perf_counter_ns()
            tokens = text.encode(prompt, True)[: message.prompt_tokens]
            times, _ = timed_request(
                decoder, text, tokens, message.new_tokens, started_ns=started, sampler=Sampler()
            )
            first_ns = first_ns or started + int(times.token_s[0] * 1e9)
            (warmups if number < message.warmups else repeats).append(times)
            progress(number + 1)
        return protocol.LatencyTimes(
            warmups=warmups,
            repeats=repeats,
            evaluated_tokens=message.prompt_tokens,
            first_token_ns=first_ns,
        )

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:
        """Choose how sequences are scored, and size it."""
        model, _ = self._ready()
        self._engine = Engine(model, length=self._length, memory_bytes=message.memory_bytes)
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
        return self._score(lambda *what: score_plain(decoder, *what), items, progress)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other, each from an empty cache; or packed."""
        model, text = self._ready()
        if message.packed:
            engine = self._open_engine()
            engine.scorer.forget()
            return packed.generated(
                engine.decoder,
                text,
                [(item, *self._prompt(item)) for item in message.items],
                cells=engine.size.cells,
                sequences=engine.size.sequences,
                progress=progress,
            )
        decoder = UserDecoder(model, length=self._length)
        answers = []
        for number, item in enumerate(message.items):
            started = time.perf_counter_ns()
            tokens, truncated = self._prompt(item)
            watcher = StopWatcher(item.until)
            times, stop = timed_request(
                decoder, text, tokens, item.max_tokens,
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
        """Render with the tokenizer's template."""
        _, text = self._ready()
        return text.chat(message.messages, add_generation_prompt=message.add_generation_prompt)

    def close(self) -> None:
        """Free the cache, then the weights."""
        self._engine = self._text = self._model = None

    def _ready(self) -> tuple[Model, Text]:
        if self._model is None or self._text is None:
            raise WorkerError("no weights are loaded")
        return self._model, self._text

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise WorkerError("the scoring engine is not open")
        return self._engine

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
            halved_to=self._engine.halved_to if self._engine else None,
        )

    def _prompt(self, item: protocol.GenerateItem) -> tuple[list[int], bool]:
        _, text = self._ready()
        return prompt_tokens(
            text.encode_prompt, item, length=self._length, prefix_token=text.prefix_token
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        _, text = self._ready()
        prefix, length = text.prefix_token, self._length
        if item.rolling:
            tokens = text.encode(item.contexts[0], True)
            return rolling_windows(tokens, prefix_token=prefix, max_length=length)
        return [
            encode_pair(
                text.encode, item.contexts[context], continuation,
                prefix_token=prefix, max_length=length,
            )
            for context, continuation in item.continuations
        ]  # fmt: skip


def _prompt_text(text: Text, message: protocol.RunLatency) -> str:
    """A beginning of the passage that is as many tokens long as asked for, or a little longer."""
    characters = message.prompt_tokens
    while len(text.encode(passage(characters)[:characters], True)) < message.prompt_tokens:
        characters += message.prompt_tokens
    return passage(characters)[:characters]
