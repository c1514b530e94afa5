"""A model behind a server, as a runtime asks it: the phases after loading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runners.endpoint.asking import Ask, Dialect, Piece
from runners.endpoint.client import Tally
from runners.endpoint.crowd import Crowd
from runners.endpoint.faults import EndpointError
from runners.endpoint.generating import THINKING_TURNS, TURNS, Refusals, generated
from runners.endpoint.scoring import ItemScorer, find_scorer, scored
from runners.endpoint.self_check import PROMPTS
from runners.endpoint.served import NEWER_LIMIT_KEY, Served
from runners.endpoint.timing import Prompts, Timer
from runners.endpoint.tokens import Tokens
from runners.endpoint.words import shown_name
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

SIGNATURE_TOKENS = 8
"""Greedy tokens after each prompt by which a model is known again."""
TRIED_TOKENS = 4
"""Tokens of the first answer, by which it is seen whether a thought is told apart from it."""
DEFAULT_CONTEXT = 4096


class ServedModel:
    """Latency, scoring and generation by one server."""

    def __init__(self, served: Served, context: int) -> None:
        """Asks for the tokeniser; see `Tokens`.

        Args:
            served: the server.
            context: tokens that prompt and answer may have together.
        """
        self.served, self.context = served, context
        self._prompts = Prompts(served, _tokens(served))
        self._timer = Timer(served=served, prompts=self._prompts, context=context)
        self._scorer: ItemScorer | None = None
        self._refusals = Refusals()

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        before = self._tally()
        times = self._timer.workload(message, progress)
        return replace(times, tries=self._since(before))

    def run_users(self, message: protocol.RunUsers, progress: OnProgress) -> protocol.UsersTimes:
        """Keep several users busy at once.

        Raises:
            WorkerError: there is no workload, or one does not fit the context of a slot.
        """
        if not message.workloads:
            raise WorkerError("no workload of a fixed length fits the context")
        longest = max(prompt + new for prompt, new in message.workloads)
        if longest > self.context:
            raise WorkerError(
                f"the longest workload needs a context of {longest} tokens, a slot of the server "
                f"has {self.context}"
            )
        return Crowd(self.served, self._prompts, message).run(progress)

    def open_engine(self) -> protocol.EngineOpened:
        """Find a way to score that the server passes its self-check with."""
        self._scorer = find_scorer(self.served, self.context)
        return protocol.EngineOpened(
            path=self._scorer.path, cells=self.context, sequences=1, batch_tokens=0, output_rows=0,
            kv_bytes=None, output_bytes=0, apart_nats=self._scorer.apart_nats,
        )  # fmt: skip

    def score(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress, *, fresh: bool
    ) -> protocol.Scored:
        """Score one window; `fresh` takes nothing from the server's cache."""
        if self._scorer is None:
            raise WorkerError("no way to score was looked for yet")
        before = self._tally()
        return replace(
            scored(self._scorer, items, progress, fresh=fresh), tries=self._since(before)
        )

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other."""
        before = self._tally()
        answers = generated(self.served, message, progress, self._refusals)
        return replace(answers, tries=self._since(before))

    def chat_template(self) -> protocol.ChatTemplate:
        """The server's own; where it does not tell it, the mark of `written_turns`."""
        served = self.served
        if served.template and served.completes:
            return protocol.ChatTemplate(text=served.template, bos=served.bos, eos=served.eos)
        template = THINKING_TURNS if served.reasons else TURNS
        return protocol.ChatTemplate(text=template, bos="", eos="")

    def said(self) -> protocol.ServerSaid:
        """What the server says of itself, and the beginnings of a few greedy answers."""
        served = self.served
        return protocol.ServerSaid(
            kind=served.kind,
            version=served.version,
            model=shown_name(served.model),
            models=[*map(shown_name, served.models)],
            context=served.context,
            about=dict(served.about or {}),
            apis=[
                dialect.name
                for dialect, there in (
                    (served.text_dialect, served.completes), (served.chat_dialect, served.chats),
                )
                if there
            ],
            answers=[self._signature(prompt) for prompt in PROMPTS],
        )  # fmt: skip

    def _signature(self, prompt: str) -> str:
        ask = Ask(prompt=prompt, max_tokens=SIGNATURE_TOKENS, extra=self.served.uncached)
        answer = self.served.stream(self.served.text_dialect, ask)
        return answer.reasoning + answer.text

    def _tally(self) -> Tally:
        """A copy of what the client has counted until now."""
        tally = self.served.client.tally
        return replace(tally, outcomes=dict(tally.outcomes))

    def _since(self, before: Tally) -> protocol.Tries:
        now = self.served.client.tally
        met = {name: n - before.outcomes.get(name, 0) for name, n in now.outcomes.items()}
        return protocol.Tries(
            requests=now.requests - before.requests,
            retries=now.retries - before.retries,
            waited_s=now.waited_s - before.waited_s,
            outcomes={name: n for name, n in met.items() if n},
        )


def with_apis(served: Served) -> Served:
    """Try both ways to have a text continued, and remember which the server has.

    Raises:
        EndpointError: neither answers; the fault of the conversation.
    """
    text = _tried(served, served.text_dialect)
    chat = _tried(served, served.chat_dialect)
    if isinstance(chat, EndpointError) and NEWER_LIMIT_KEY in str(chat):
        served = replace(served, limit_key=NEWER_LIMIT_KEY)
        chat = _tried(served, served.chat_dialect)
    if isinstance(text, EndpointError) and isinstance(chat, EndpointError):
        raise chat
    return replace(
        served,
        completes=isinstance(text, Piece),
        chats=isinstance(chat, Piece),
        reasons=isinstance(chat, Piece) and bool(chat.reasoning),
    )


def _tried(served: Served, dialect: Dialect) -> Piece | EndpointError:
    """A few tokens, or the fault by which the server says that it has no such API."""
    try:
        return served.whole(dialect, Ask(prompt="Hello", max_tokens=TRIED_TOKENS, stream=False))
    except EndpointError as fault:
        if fault.outcome not in ("not found", "request refused", "server error"):
            raise
        return fault


def _tokens(served: Served) -> Tokens | None:
    try:
        return Tokens(served)
    except EndpointError as fault:
        if fault.outcome in ("not found", "request refused", "server error"):
            return None
        raise
