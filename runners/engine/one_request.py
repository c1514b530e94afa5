"""One request from an empty cache, a timestamp for each token: what a single user gets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from runners.engine.answer_text import AnswerText, TokenLimits
from runners.engine.logprobs import Sampler
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runners.engine.answer_text import Vocabulary
    from runners.engine.decoder import Decoder


ALIVE_EVERY = 64
"""Tokens of one answer after which the parent is told that it goes on."""


def timed_request(
    decoder: Decoder, vocabulary: Vocabulary, tokens: Sequence[int], new_tokens: int, *,
    started_ns: int, sampler: Sampler, answer: AnswerText | None = None,
    alive: Callable[[], None] | None = None,
) -> tuple[protocol.RequestTimes, str]:  # fmt: skip
    """Prefill and decode one request.

    Args:
        tokens: the prompt.
        new_tokens: how many at most; exactly as many without an answer.
        started_ns: when the request was made, by `time.perf_counter_ns`.
        answer: takes the tokens and says where it stops.
        alive: called every `ALIVE_EVERY` tokens: a long thought is not taken for a hung worker.

    Returns:
        The times, and why it stopped (`AnswerText.ended`).
    """
    decoder.clear()
    for start in range(0, len(tokens), decoder.batch_tokens):
        part = np.asarray(tokens[start : start + decoder.batch_tokens], dtype=np.int32)
        last = start + len(part) == len(tokens)
        logits = _decode(decoder, part, start, wanted=last)
    prefill_s = (time.perf_counter_ns() - started_ns) / 1e9
    token_s: list[float] = []
    has_text: list[bool] = []
    stop = "length"
    shown = AnswerText(vocabulary) if answer is None else answer
    for position in range(len(tokens), len(tokens) + new_tokens):
        token = sampler(logits[0])
        if answer is not None and vocabulary.ends(token):
            stop = "end of sequence"
            break
        piece = shown.add(token)
        token_s.append((time.perf_counter_ns() - started_ns) / 1e9)
        has_text.append(bool(piece))
        if answer is not None and (why := answer.ended()):
            stop = why
            break
        if alive is not None and len(token_s) % ALIVE_EVERY == 0:
            alive()
        if len(token_s) < new_tokens:
            logits = _decode(decoder, np.asarray([token], dtype=np.int32), position, wanted=True)
    first_text = has_text.index(True) if any(has_text) else None
    return protocol.RequestTimes(prefill_s=prefill_s, token_s=token_s, first_text=first_text), stop


def check_fits(message: protocol.RunLatency, length: int) -> None:
    """Refuse a workload of more tokens than the context's `length`."""
    total = message.prompt_tokens + message.new_tokens
    if total > length:
        raise WorkerError(
            f"workload {message.prompt_tokens}+{message.new_tokens} needs a context of {total} "
            f"tokens, the candidate's is {length}"
        )


def timed_workload(
    decoder: Decoder, vocabulary: Vocabulary, encode: Callable[[str, bool], list[int]],
    text: str, message: protocol.RunLatency, progress: OnProgress,
) -> protocol.LatencyTimes:  # fmt: skip
    """Time the requests of one workload; tokenising counts.

    Args:
        text: encodes to at least as many tokens as are asked for.
        progress: told after each request how many are answered.
    """
    first_ns = 0
    warmups: list[protocol.RequestTimes] = []
    repeats: list[protocol.RequestTimes] = []
    for number in range(message.warmups + message.repeats):
        started = time.perf_counter_ns()
        tokens = encode(text, True)[: message.prompt_tokens]
        if len(tokens) < message.prompt_tokens:
            raise WorkerError(f"no text of {message.prompt_tokens} tokens could be made")
        times, _ = timed_request(
            decoder, vocabulary, tokens, message.new_tokens, started_ns=started, sampler=Sampler()
        )
        first_ns = first_ns or started + int(times.token_s[times.first_text or 0] * 1e9)
        (warmups if number < message.warmups else repeats).append(times)
        progress(number + 1)
    return protocol.LatencyTimes(
        warmups=warmups,
        repeats=repeats,
        evaluated_tokens=message.prompt_tokens,
        first_token_ns=first_ns,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt's tokens, and what they leave of the context to its answer."""

    tokens: list[int]
    truncated: bool
    limits: TokenLimits


def generated(
    decoder: Decoder, vocabulary: Vocabulary, items: Sequence[protocol.GenerateItem],
    prompt_of: Callable[[protocol.GenerateItem], Prompt], progress: OnProgress,
) -> protocol.Generated:  # fmt: skip
    """Answer one prompt after the other, each timed and from an empty cache."""
    answers = []
    for number, item in enumerate(items):
        started = time.perf_counter_ns()
        prompt = prompt_of(item)
        answer = answer_text(vocabulary, item, prompt)
        times, stop = timed_request(
            decoder, vocabulary, prompt.tokens, prompt.limits.both,
            started_ns=started, sampler=item_sampler(item, prompt.tokens), answer=answer,
            alive=partial(progress, number),
        )  # fmt: skip
        answers.append(item_text(answer, prompt, stop=stop, times=times))
        progress(number + 1)
    return protocol.Generated(items=answers)


def answer_text(vocabulary: Vocabulary, item: protocol.GenerateItem, prompt: Prompt) -> AnswerText:
    """The answer to an item's prompt, before its first token."""
    return AnswerText(vocabulary, item.until, limits=prompt.limits, thinking=item.thinking)


def item_text(
    answer: AnswerText, prompt: Prompt, *, stop: str, times: protocol.RequestTimes | None
) -> protocol.ItemText:
    """What a generation came to, as the parent is told it."""
    text = answer.text()
    return protocol.ItemText(
        text=text,
        stop=stop,
        prompt_tokens=len(prompt.tokens),
        new_tokens=len(answer.tokens),
        times=times,
        truncated=prompt.truncated,
        raw="" if answer.raw == text else answer.raw,
        thought_tokens=answer.thought_tokens,
        first_answer=answer.first_answer,
    )


def read_prompt(
    encode: Callable[[str, bool], list[int]], item: protocol.GenerateItem, *, length: int,
    prefix_token: int,
) -> Prompt:  # fmt: skip
    """The tokens of a prompt, the oldest dropped where they leave no room for the answer.

    Returns:
        At most `length - item.max_tokens` tokens. Thought takes what prompt and answer leave of the
        context, up to its own limit: no prompt is cut for it.
    """
    room = length - item.max_tokens
    if room < 1:
        raise WorkerError(
            f"{item.max_tokens} new tokens leave no room for a prompt in a context of "
            f"{length} tokens"
        )
    tokens = encode(item.prompt, True) or [prefix_token]
    kept = tokens[-room:]
    thought = min(item.thinking.max_tokens, room - len(kept)) if item.thinking else 0
    return Prompt(
        tokens=kept,
        truncated=len(tokens) > room,
        limits=TokenLimits(answer=item.max_tokens, thought=thought),
    )


def item_sampler(item: protocol.GenerateItem, prompt: Sequence[int]) -> Sampler:
    """Sampler settings for an item's answer."""
    return Sampler(
        temperature=item.temperature,
        top_k=item.top_k,
        top_p=item.top_p,
        min_p=item.min_p,
        seed=item.seed,
        repetition_penalty=item.repetition_penalty,
        seen=prompt,
    )


def _decode(decoder: Decoder, tokens: np.ndarray, start: int, *, wanted: bool) -> np.ndarray:
    n = len(tokens)
    flags = np.zeros(n, dtype=np.int8)
    flags[-1] = wanted
    return decoder.decode(
        tokens,
        np.arange(start, start + n, dtype=np.int32),
        np.zeros(n, dtype=np.int32),
        np.ones(n, dtype=np.int32),
        flags,
    )
