"""Time a workload's requests to a server; nothing of a prompt may come from a cache.

Each timed prompt begins with a nonce, and says no to a cache where the API has a word for that.
Tokens are those that the server counts, never events: servers join tokens, and characters of
several bytes arrive with their last one.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass

from runners.endpoint.answer import Answer
from runners.endpoint.asking import Ask
from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served
from runners.endpoint.tokens import Tokens
from runners.engine.workload_text import passage
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

TRIES = 4
"""Requests at most in which the length of a prompt is found, where the server has no tokeniser."""
NEAR = 0.02
"""A prompt may be longer or shorter by this share, where its tokens can only be counted after."""
_CHARACTERS = 4.0
"""Characters of a token, at first."""
NONCE = 6
"""Tokens that are drawn anew for each prompt of several users."""


class Prompts:
    """Makes prompts of a length in tokens, each with another beginning."""

    def __init__(self, served: Served, tokens: Tokens | None) -> None:
        """Without `tokens` lengths are found by asking for a count."""
        self._served, self._tokens = served, tokens
        self._lengths: dict[int, int] = {}
        self._bases: dict[int, tuple[int, ...]] = {}

    def make(self, n: int) -> str | tuple[int, ...]:
        """A prompt of `n` tokens, or of about as many where the server has no tokeniser."""
        nonce = secrets.token_hex(6)
        if self._tokens is None:
            return self._text(nonce, self._characters(n))
        characters = 6 * n
        while len(ids := self._tokens.encode(self._text(nonce, characters), True)) < n:
            characters *= 2
        return tuple(ids[:n])

    def ready(self, n: int) -> None:
        """Find out what `fresh` needs, so that it asks the server nothing."""
        if self._tokens is None:
            self._characters(n)
        elif n not in self._bases:
            made = self.make(n)
            self._bases[n] = tuple(one for one in made if isinstance(one, int))

    def fresh(self, n: int, draw: random.Random) -> str | tuple[int, ...]:
        """A prompt of a length that is `ready`, without a request; from any thread.

        Its beginning is drawn, so that no other request's is the same: `NONCE` tokens after the
        first, which may be the model's BOS, or a word.
        """
        if self._tokens is None:
            return self._text(f"{draw.getrandbits(48):012x}", self._lengths[n])
        base = self._bases[n]
        drawn = [draw.choice(base[1:] or base) for _ in base[1 : 1 + NONCE]]
        return (*base[:1], *drawn, *base[1 + NONCE :])

    def _text(self, nonce: str, characters: int) -> str:
        return f"{nonce} {passage(characters)}"[:characters]

    def _characters(self, n: int) -> int:
        """Characters whose count of tokens is `n`, or near it; found once a length."""
        if n not in self._lengths:
            characters = int(n * _CHARACTERS)
            for _ in range(TRIES):
                text = self._text(secrets.token_hex(6), characters)
                ask = Ask(prompt=text, max_tokens=1, extra=self._served.uncached)
                counted = self._served.stream(self._served.text_dialect, ask).usage.prompt_tokens
                if not counted or abs(counted - n) <= NEAR * n:
                    break
                characters = max(16, round(characters * n / counted))
            self._lengths[n] = characters
        return self._lengths[n]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Times requests of one server."""

    served: Served
    prompts: Prompts
    context: int

    def workload(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload, one after the other, on an open connection.

        Raises:
            WorkerError: it does not fit the context, or an answer has no text.
        """
        total = message.prompt_tokens + message.new_tokens
        if total > self.context:
            raise WorkerError(
                f"workload {message.prompt_tokens}+{message.new_tokens} needs a context of {total} "
                f"tokens, the server's is {self.context}"
            )
        answers = []
        for number in range(message.warmups + message.repeats):
            answers.append(self._ask(self.prompts.make(message.prompt_tokens), message.new_tokens))
            progress(number + 1)
        timed = answers[message.warmups :]
        return protocol.LatencyTimes(
            warmups=[request_times(one) for one in answers[: message.warmups]],
            repeats=[request_times(one) for one in timed],
            evaluated_tokens=_same_count(timed),
            first_token_ns=answers[0].started_ns + int((answers[0].first_s or 0.0) * 1e9),
            cached_tokens=_most_cached(timed),
            cache_ratio=self._cache_ratio(message.prompt_tokens, timed),
            ended_early=sum(
                one.usage.new_tokens is not None and one.usage.new_tokens < message.new_tokens
                for one in timed
            ),
        )

    def _ask(self, prompt: str | tuple[int, ...], new_tokens: int) -> Answer:
        return ask_timed(self.served, prompt, new_tokens)

    def _cache_ratio(self, prompt_tokens: int, timed: list[Answer]) -> float | None:
        """How much sooner a prompt is answered that was just asked, where no count tells."""
        if _most_cached(timed) is not None:
            return None
        prompt = self.prompts.make(prompt_tokens)
        anew = self._ask(prompt, 1).first_s
        again = self._ask(prompt, 1).first_s
        return anew / again if anew and again else None


def ask_timed(served: Served, prompt: str | tuple[int, ...], new_tokens: int) -> Answer:
    """Ask for so many new tokens, of which none may come from a cache.

    Raises:
        EndpointError: it was not answered, or with no text.
    """
    extra = {**served.uncached, **({"ignore_eos": True} if served.fills else {})}
    ask = Ask(prompt=prompt, max_tokens=new_tokens, extra=extra)
    answer = served.stream(served.text_dialect, ask)
    if answer.first_s is None:
        raise EndpointError(
            "empty answer",
            f"{served.client.address.text}: a timed answer has no text: {answer.stop}",
        )
    return answer


def request_times(answer: Answer) -> protocol.RequestTimes:
    """Times of one streamed answer; thought is text, too."""
    return protocol.RequestTimes(
        prefill_s=answer.usage.prompt_s,
        token_s=list(answer.piece_s),
        first_text=0 if answer.piece_s else None,
        streamed=True,
        counted=answer.usage.new_tokens,
    )


def _same_count(answers: list[Answer]) -> int | None:
    """Prompt tokens, the median where they differ by a little; None: they are not counted."""
    counted = sorted(
        one.usage.prompt_tokens for one in answers if one.usage.prompt_tokens is not None
    )
    return counted[len(counted) // 2] if len(counted) == len(answers) and counted else None


def _most_cached(answers: list[Answer]) -> int | None:
    cached = [one.usage.cached_tokens for one in answers]
    known = [one for one in cached if one is not None]
    return max(known) if known and len(known) == len(cached) else None
