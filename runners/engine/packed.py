"""Several generations at a time, on a decoder of several sequences; nothing of it is timed.

The prompts of a group are evaluated first, what all of them begin with once; then each step
evaluates one token of every answer that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runners.engine.answer_text import AnswerText, Vocabulary
from runners.engine.logprobs import Sampler
from runners.engine.one_request import item_sampler
from runners.engine.token_tree import shared_length
from runners.worker import protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.engine.decoder import Decoder
    from runners.worker.runtime import OnProgress


@dataclass(slots=True, kw_only=True)
class Answer:
    """One generation under way."""

    prompt: tuple[int, ...]
    most: int
    """New tokens at most."""
    sampler: Sampler
    text: AnswerText
    stop: str = "length"


def generated(
    decoder: Decoder, vocabulary: Vocabulary,
    prompts: Sequence[tuple[protocol.GenerateItem, Sequence[int], bool]], *,
    cells: int, sequences: int, progress: OnProgress,
) -> protocol.Generated:  # fmt: skip
    """Answer prompts, in groups that fit the cache whole.

    Args:
        prompts: of each item its tokens, and whether any were dropped.
        cells: tokens that the cache holds; one prompt with its answer must fit.
        sequences: how many it holds; sequence 0 is for what prompts share.
    """
    answers = [
        Answer(
            prompt=tuple(tokens),
            most=item.max_tokens,
            sampler=item_sampler(item, tokens),
            text=AnswerText(vocabulary, item.until),
        )
        for item, tokens, _ in prompts
    ]
    done = 0
    for group in _groups(answers, cells, sequences - 1):
        _run(decoder, vocabulary, group)
        done += len(group)
        progress(done)
    decoder.clear()
    return protocol.Generated(
        items=[
            protocol.ItemText(
                text=answer.text.text(),
                stop=answer.stop,
                prompt_tokens=len(answer.prompt),
                new_tokens=len(answer.text.tokens),
                times=None,
                truncated=truncated,
            )
            for answer, (_, _, truncated) in zip(answers, prompts, strict=True)
        ]
    )


def _groups(answers: Sequence[Answer], cells: int, most: int) -> Iterator[list[Answer]]:
    group: list[Answer] = []
    used = 0
    for answer in answers:
        size = len(answer.prompt) + answer.most
        if group and (len(group) == most or used + size > cells):
            yield group
            group, used = [], 0
        group.append(answer)
        used += size
    if group:
        yield group


def _run(decoder: Decoder, vocabulary: Vocabulary, group: Sequence[Answer]) -> None:
    decoder.clear()
    beginnings = [answer.prompt[:-1] for answer in group]
    shared = shared_length(min(beginnings), max(beginnings))
    if shared:
        _evaluate(decoder, [(0, 0, group[0].prompt[:shared])])
        for sequence in range(1, len(group) + 1):
            decoder.copy(0, sequence)
    going = list(enumerate(group, start=1))
    parts = [(sequence, shared, answer.prompt[shared:]) for sequence, answer in going]
    while going:
        logits = _evaluate(decoder, parts)
        chosen = [answer.sampler(row) for (_, answer), row in zip(going, logits, strict=True)]
        went, going = going, []
        parts = []
        for (sequence, answer), token in zip(went, chosen, strict=True):
            if _takes(answer, token, vocabulary):
                going.append((sequence, answer))
                parts.append((sequence, len(answer.prompt) + len(answer.text.tokens) - 1, (token,)))


def _takes(answer: Answer, token: int, vocabulary: Vocabulary) -> bool:
    """Add a token to an answer; whether it goes on."""
    if vocabulary.ends(token):
        answer.stop = "end of sequence"
        return False
    answer.text.add(token)
    if answer.text.stops():
        answer.stop = "until"
        return False
    return len(answer.text.tokens) < answer.most


def _evaluate(
    decoder: Decoder, parts: Sequence[tuple[int, int, Sequence[int]]]
) -> list[NDArray[np.float32]]:
    """Evaluate runs of (sequence, first position, tokens); the logits of the last token of each."""
    tokens = np.concatenate([np.asarray(run, dtype=np.int32) for _, _, run in parts])
    lengths = [len(run) for _, _, run in parts]
    positions = np.concatenate(
        [np.arange(start, start + len(run), dtype=np.int32) for _, start, run in parts]
    )
    sequences = np.repeat(np.asarray([s for s, _, _ in parts], dtype=np.int32), lengths)
    flags = np.zeros(len(tokens), dtype=np.int8)
    flags[np.cumsum(lengths) - 1] = 1
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(tokens), decoder.batch_tokens):
        batch = slice(start, start + decoder.batch_tokens)
        logits = decoder.decode(
            tokens[batch],
            positions[batch],
            sequences[batch],
            np.ones(len(tokens[batch]), dtype=np.int32),
            flags[batch],
        )
        rows.extend(np.array(row) for row in logits)  # the next call overwrites them
    return rows
