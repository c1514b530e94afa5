"""One request from an empty cache, a timestamp for each token: what a single user gets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from runners.engine.answer_text import AnswerText
from runners.engine.logprobs import Sampler
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runners.engine.answer_text import Vocabulary
    from runners.engine.decoder import Decoder


def timed_request(
    decoder: Decoder, vocabulary: Vocabulary, tokens: Sequence[int], new_tokens: int, *,
    started_ns: int, sampler: Sampler, answer: AnswerText | None = None,
) -> tuple[protocol.RequestTimes, str]:  # fmt: skip
    """Prefill and decode one request.

    Args:
        tokens: the prompt.
        new_tokens: how many at most; exactly as many without an answer.
        started_ns: when the request was made, by `time.perf_counter_ns`.
        answer: takes the tokens and says where it stops.

    Returns:
        The times, and why it stopped: `until`, `end of sequence` or `length`.
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
        if answer is not None and answer.stops():
            stop = "until"
            break
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


def generated(
    decoder: Decoder, vocabulary: Vocabulary, items: Sequence[protocol.GenerateItem],
    prompt_of: Callable[[protocol.GenerateItem], tuple[list[int], bool]], progress: OnProgress,
) -> protocol.Generated:  # fmt: skip
    """Answer one prompt after the other, each timed and from an empty cache."""
    answers = []
    for number, item in enumerate(items):
        started = time.perf_counter_ns()
        tokens, truncated = prompt_of(item)
        answer = AnswerText(vocabulary, item.until)
        times, stop = timed_request(
            decoder, vocabulary, tokens, item.max_tokens,
            started_ns=started, sampler=item_sampler(item, tokens), answer=answer,
        )  # fmt: skip
        answers.append(
            protocol.ItemText(
                text=answer.text(),
                stop=stop,
                prompt_tokens=len(tokens),
                new_tokens=len(times.token_s),
                times=times,
                truncated=truncated,
            )
        )
        progress(number + 1)
    return protocol.Generated(items=answers)


def prompt_tokens(
    encode: Callable[[str, bool], list[int]], item: protocol.GenerateItem, *, length: int,
    prefix_token: int,
) -> tuple[list[int], bool]:  # fmt: skip
    """The tokens of a prompt, the oldest dropped where they leave no room for the answer.

    Returns:
        At most `length - item.max_tokens` tokens, and whether any were dropped.
    """
    room = length - item.max_tokens
    if room < 1:
        raise WorkerError(
            f"{item.max_tokens} new tokens leave no room for a prompt in a context of "
            f"{length} tokens"
        )
    tokens = encode(item.prompt, True) or [prefix_token]
    return tokens[-room:], len(tokens) > room


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
