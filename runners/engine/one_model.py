"""A runtime over a model that is driven by states: all of it but how its weights are loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from runners.engine import divergence, packed
from runners.engine.answer_text import Vocabulary
from runners.engine.encoding import Scoring, item_scorings
from runners.engine.one_request import check_fits, generated, read_prompt, timed_workload
from runners.engine.scoring import score_plain, scored
from runners.engine.self_check import Cells, Checked, check
from runners.engine.sizing import LEAST_SEQUENCES, EngineSize, context_length
from runners.engine.state_engine import Engine
from runners.engine.states import StatefulModel, UserDecoder, WholeDecoder
from runners.engine.workload_text import passage
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

if TYPE_CHECKING:
    from runners.engine.decoder import Decoder
    from runners.engine.one_request import Prompt
    from runners.engine.scoring import ScoreItems
    from runners.worker.offload import Offloaded

DEFAULT_CONTEXT = 4096


class Weights(StatefulModel, Protocol):
    """A model that says what it is."""

    @property
    def bytes(self) -> int:
        """Bytes of the weights."""
        ...

    @property
    def parameters(self) -> int:
        """Number of parameters; tied ones count once."""
        ...

    def recommended(self) -> dict[str, Any]:
        """Settings of `generation_config.json` that change which tokens are chosen."""
        ...


class Text(Vocabulary, Protocol):
    """A tokenizer by lm-eval's conventions."""

    @property
    def template(self) -> str:
        """The chat template; empty where there is none."""
        ...

    @property
    def prefix_token(self) -> int:
        """Token that stands for an empty context: BOS, else EOS."""
        ...

    def encode(self, text: str, add_special: bool) -> list[int]:
        """Token ids of a text to score."""
        ...

    def encode_prompt(self, text: str, add_special: bool) -> list[int]:
        """Token ids of a prompt to answer."""
        ...

    def close_turns(self, text: str) -> None:
        """Let a generation end at the special token that a text begins with, too."""
        ...

    def chat_template(self) -> protocol.ChatTemplate:
        """The template, and the texts of the tokens that it is told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a runtime read from a folder."""

    model: Weights
    text: Text
    trained: int
    """Context length that the model was trained for, tokens."""
    threads: int
    compute: str
    """Type that it computes in."""
    device: str
    offloaded: Offloaded | None = None
    """What is on devices beside the processor; None: nothing is, and nobody asked for it."""
    tried_cells: Callable[[], Cells | None] = lambda: None
    """Makes the cells that the check tries; None: several sequences cannot share any."""
    cells: Callable[[EngineSize], Decoder] | None = None
    """Makes the decoder whose cells several sequences share; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model that was loaded and held to plain evaluation."""

    model: StatefulModel
    text: Text
    checked: Checked
    length: int
    """The candidate's own context length, tokens."""
    cells: Callable[[EngineSize], Decoder] | None
    """Makes the decoder whose cells several sequences share; None: there is none."""


class OneModel:
    """One model and its tokenizer; at most one scoring engine at a time.

    A subclass has a name, and reads its weights in `_open`.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.loaded: LoadedModel | None = None
        self._engine: Engine | None = None
        self._answering: int | None = None
        """Context length that generations are answered in, tokens; None: the candidate's own."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Read the weights and the tokenizer, and hold what the model does to plain passes."""
        if message.path is None:
            raise WorkerError(f"the runtime {self.name} needs weights")
        started = time.perf_counter()
        opened = self._open(message.path, message.settings)
        model, text = opened.model, opened.text
        length = int(message.settings["context"] or min(opened.trained, DEFAULT_CONTEXT))
        seconds = time.perf_counter() - started
        checked = check(model, opened.tried_cells())
        self.loaded = LoadedModel(
            model=model, text=text, checked=checked, length=length, cells=opened.cells
        )
        return protocol.Loaded(
            seconds=seconds,
            weights_bytes=model.bytes,
            parameters=model.parameters,
            context=length,
            trained_context=opened.trained,
            threads=opened.threads,
            vocabulary=model.vocabulary,
            architecture=model.architecture,
            chat_template=bool(text.template),
            compute=opened.compute,
            device=opened.device,
            recommends=model.recommended(),
            checked_s=checked.seconds,
            packs=checked.packs,
            caches=checked.caches,
            offloaded=opened.offloaded,
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        one = self._ready()
        check_fits(message, one.length)
        text = _prompt_text(one.text, message)
        alone = self._alone(one.length)
        return timed_workload(alone, one.text, one.text.encode, text, message, progress)

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:
        """Choose how sequences are scored, and size it."""
        one = self._ready()
        self._engine = Engine(
            one.model,
            one.checked,
            length=one.length,
            memory_bytes=message.memory_bytes,
            cells=one.cells,
        )
        return self._engine.opened

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window, each distinct beginning once where the model allows it."""
        return self._score(self._open_engine().score, items, progress)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, without a cache."""
        one = self._ready()
        decoder = WholeDecoder(one.model, batch_tokens=one.length, rows=LEAST_SEQUENCES)
        return self._score(partial(score_plain, decoder), items, progress)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:
        """Evaluate a window of text, without a cache."""
        one = self._ready()
        started = time.perf_counter()
        tokens = divergence.window_tokens(one.text.encode, message, one.length)
        rows = len(divergence.scored(len(tokens)))
        decoder = WholeDecoder(one.model, batch_tokens=len(tokens), rows=rows)
        logits = divergence.window_logits(decoder, tokens)
        return divergence.diverged(logits, tokens, message, started)

    def open_context(self, message: protocol.OpenContext) -> protocol.ContextOpened:
        """Bound what the next prompts and answers may take; the cache grows with what is in it."""
        one = self._ready()
        self._answering = context_length(message, one.text.encode_prompt, own=one.length)
        return protocol.ContextOpened(tokens=self._answering)

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other, each from an empty cache; or packed."""
        text = self._ready().text
        text.close_turns(message.turn_end)
        if message.packed:
            engine = self._open_engine()
            engine.scorer.forget()
            return packed.generated(
                engine.decoder,
                text,
                [(item, self._prompt(item)) for item in message.items],
                limits=engine.scorer.limits,
                progress=progress,
            )
        alone = self._alone(self._length())
        return generated(alone, text, message.items, self._prompt, progress)

    def chat_template(self) -> protocol.ChatTemplate:
        """The tokenizer's template."""
        return self._ready().text.chat_template()

    def close(self) -> None:
        """Free the cache, then the weights."""
        self._engine = self.loaded = None

    def _open(self, path: str, settings: dict[str, Any]) -> Opened:
        """Read a folder.

        Raises:
            WorkerError: it cannot be loaded.
        """
        raise NotImplementedError

    def _ready(self) -> LoadedModel:
        if self.loaded is None:
            raise WorkerError("no weights are loaded")
        return self.loaded

    def _length(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._answering or self._ready().length

    def _alone(self, length: int) -> UserDecoder:
        """One sequence, in its cache where the model goes on from that rightly."""
        one = self._ready()
        return UserDecoder(one.model, length=length, caches=one.checked.caches)

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
        one = self._ready()
        return read_prompt(
            one.text.encode_prompt,
            item,
            length=self._length(),
            prefix_token=one.text.prefix_token,
        )

    def _scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        one = self._ready()
        return item_scorings(
            one.text.encode, item, prefix_token=one.text.prefix_token, max_length=one.length
        )


def _prompt_text(text: Text, message: protocol.RunLatency) -> str:
    """A beginning of the passage that is as many tokens long as asked for, or a little longer."""
    characters = message.prompt_tokens
    while len(text.encode(passage(characters)[:characters], True)) < message.prompt_tokens:
        characters += message.prompt_tokens
    return passage(characters)[:characters]
