"""Several generations at a time, on a decoder of several sequences; nothing of it is timed.

The prompts of a group are evaluated first, what all of them begin with once; then each step
evaluates one token of every answer that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runners.engine.one_request import ALIVE_EVERY, answer_text, item_sampler, item_text
from runners.engine.token_tree import shared_length
from runners.worker import protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from runners.engine.answer_text import AnswerText, Vocabulary
    from runners.engine.decoder import Decoder
    from runners.engine.logprobs import Sampler
    from runners.engine.one_request import Prompt
    from runners.worker.runtime import OnProgress


@dataclass(slots=True, kw_only=True)
class Answer:
    """One generation under way."""

    prompt: Prompt
    sampler: Sampler
    text: AnswerText
    stop: str = "length"

    @property
    def tokens(self) -> list[int]:
        """Tokens of its prompt."""
        return self.prompt.tokens


def generated(
    decoder: Decoder, vocabulary: Vocabulary,
    prompts: Sequence[tuple[protocol.GenerateItem, Prompt]], *,
    cells: int, sequences: int, progress: OnProgress,
) -> protocol.Generated:  # fmt: skip
    """Answer prompts, in groups that fit the cache whole.

    Args:
        prompts: each item with its prompt.
        cells: tokens that the cache holds; one prompt with its generation must fit.
        sequences: how many it holds; sequence 0 is for what prompts share.
    """
    answers = [
        Answer(
            prompt=prompt,
            sampler=item_sampler(item, prompt.tokens),
            text=answer_text(vocabulary, item, prompt),
        )
        for item, prompt in prompts
    ]
    done = 0
    for group in _groups(answers, cells, sequences - 1):
        _run(decoder, vocabulary, group, done=done, progress=progress)
        done += len(group)
        progress(done)
    decoder.clear()
    texts = [item_text(one.text, one.prompt, stop=one.stop, times=None) for one in answers]
    return protocol.Generated(items=texts)


def _groups(answers: Sequence[Answer], cells: int, most: int) -> Iterator[list[Answer]]:
    group: list[Answer] = []
    used = 0
    for answer in answers:
        size = len(answer.tokens) + answer.prompt.limits.both
        if group and (len(group) == most or used + size > cells):
            yield group
            group, used = [], 0
        group.append(answer)
        used += size
    if group:
        yield group


def _run(
    decoder: Decoder, vocabulary: Vocabulary, group: Sequence[Answer], *,
    done: int, progress: OnProgress,
) -> None:  # fmt: skip
    """Answer a group. `progress` is told every `ALIVE_EVERY` tokens how many answers are whole,
    beside the `done` before: a worker that generates for minutes is not taken for a hung one.
    """
    decoder.clear()
    beginnings = [tuple(answer.tokens[:-1]) for answer in group]
    shared = shared_length(min(beginnings), max(beginnings))
    if shared:
        _evaluate(decoder, [(0, 0, group[0].tokens[:shared])])
        for sequence in range(1, len(group) + 1):
            decoder.copy(0, sequence)
    going = list(enumerate(group, start=1))
    parts: list[tuple[int, int, Sequence[int]]] = [
        (sequence, shared, answer.tokens[shared:]) for sequence, answer in going
    ]
    steps = 0
    while going:
        steps += 1
        if steps % ALIVE_EVERY == 0:
            progress(done + len(group) - len(going))
        logits = _evaluate(decoder, parts)
        chosen = [answer.sampler(row) for (_, answer), row in zip(going, logits, strict=True)]
        went, going = going, []
        parts = []
        for (sequence, answer), token in zip(went, chosen, strict=True):
            if _takes(answer, token, vocabulary):
                going.append((sequence, answer))
                parts.append((sequence, len(answer.tokens) + len(answer.text.tokens) - 1, (token,)))


def _takes(answer: Answer, token: int, vocabulary: Vocabulary) -> bool:
    """Add a token to an answer; whether it goes on."""
    if vocabulary.ends(token):
        answer.stop = "end of sequence"
        return False
    answer.text.add(token)
    why = answer.text.ended()
    answer.stop = why or answer.stop
    return not why


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
