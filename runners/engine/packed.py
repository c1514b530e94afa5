"""Several generations at a time, on a decoder of several sequences; nothing of it is timed.

What all prompts begin with is evaluated once. Then as many answers are under way as the cache holds
whole: each step evaluates one token of every one, and where one ends the next prompt begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
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
    from runners.engine.plan import Limits
    from runners.worker.runtime import OnProgress

Run = tuple[int, int, Sequence[int]]
"""Tokens that follow each other: their sequence, the first one's position, and they themselves."""


@dataclass(slots=True, kw_only=True)
class Answer:
    """One generation."""

    prompt: Prompt
    sampler: Sampler
    text: AnswerText
    stop: str = "length"
    sequence: int = 0

    @property
    def size(self) -> int:
        """Tokens of its prompt, and what it may generate."""
        return len(self.prompt.tokens) + self.prompt.limits.both

    def newest(self) -> Run:
        """Its last token, which is not evaluated yet."""
        position = len(self.prompt.tokens) + len(self.text.tokens) - 1
        return self.sequence, position, self.text.tokens[-1:]


class Places:
    """Sequences and cells that answers take and give back.

    An answer has room for all that it may generate from its start: none is ever cut or put off.
    """

    def __init__(self, limits: Limits, shared: int) -> None:
        """Begin with all free but sequence 0, which holds the `shared` tokens of all prompts."""
        self._free = deque(range(1, limits.sequences))
        self._once = shared if limits.shared else 0
        """Tokens of each answer that take no cells of its own."""
        self._cells = limits.cells - self._once

    def take(self, answer: Answer, *, alone: bool) -> bool:
        """Give an answer its place; False where none is left, unless it is `alone`."""
        cells = answer.size - self._once
        if not alone and (not self._free or cells > self._cells):
            return False
        self._cells -= cells
        answer.sequence = self._free.popleft()
        return True

    def give_back(self, answer: Answer) -> None:
        """Take the place back."""
        self._cells += answer.size - self._once
        self._free.append(answer.sequence)


def generated(
    decoder: Decoder, vocabulary: Vocabulary,
    prompts: Sequence[tuple[protocol.GenerateItem, Prompt]], *,
    limits: Limits, progress: OnProgress,
) -> protocol.Generated:  # fmt: skip
    """Answer prompts.

    Args:
        prompts: each item with its prompt.
        limits: what the decoder holds: a prompt with its generation at least, and two sequences.
        progress: told how many answers are whole, when one ends and every `ALIVE_EVERY` tokens:
            a worker with long answers is not taken for a hung one.
    """
    answers = [
        Answer(
            prompt=prompt,
            sampler=item_sampler(item, prompt.tokens),
            text=answer_text(vocabulary, item, prompt),
        )
        for item, prompt in prompts
    ]
    shared = _share(decoder, answers)
    places = Places(limits, shared)
    waiting, going = deque(answers), list[Answer]()
    whole = steps = 0
    while waiting or going:
        steps += 1
        runs = [answer.newest() for answer in going]
        while waiting and places.take(waiting[0], alone=not going):
            answer = waiting.popleft()
            if shared:
                decoder.copy(0, answer.sequence)
            runs.append((answer.sequence, shared, answer.prompt.tokens[shared:]))
            going.append(answer)
        logits = _evaluate(decoder, runs)
        chosen = [answer.sampler(row) for answer, row in zip(going, logits, strict=True)]
        asked, going = going, []
        for answer, token in zip(asked, chosen, strict=True):
            if _takes(answer, token, vocabulary):
                going.append(answer)
                continue
            decoder.drop(answer.sequence)
            places.give_back(answer)
            whole += 1
        if len(going) < len(asked) or steps % ALIVE_EVERY == 0:
            progress(whole)
    decoder.clear()
    texts = [item_text(one.text, one.prompt, stop=one.stop, times=None) for one in answers]
    return protocol.Generated(items=texts)


def _share(decoder: Decoder, answers: Sequence[Answer]) -> int:
    """Put into sequence 0 what all prompts begin with, their last tokens aside; how many tokens."""
    decoder.clear()
    beginnings = [tuple(answer.prompt.tokens[:-1]) for answer in answers]
    shared = shared_length(min(beginnings), max(beginnings)) if len(answers) > 1 else 0
    if shared:
        _evaluate(decoder, [(0, 0, answers[0].prompt.tokens[:shared])])
    return shared


def _takes(answer: Answer, token: int, vocabulary: Vocabulary) -> bool:
    """Add a token to an answer; whether it goes on."""
    if vocabulary.ends(token):
        answer.stop = "end of sequence"
        return False
    answer.text.add(token)
    why = answer.text.ended()
    answer.stop = why or answer.stop
    return not why


def _evaluate(decoder: Decoder, runs: Sequence[Run]) -> list[NDArray[np.float32]]:
    """Evaluate runs; the logits of the last token of each."""
    tokens = np.concatenate([np.asarray(run, dtype=np.int32) for _, _, run in runs])
    lengths = [len(run) for _, _, run in runs]
    positions = np.concatenate(
        [np.arange(start, start + len(run), dtype=np.int32) for _, start, run in runs]
    )
    sequences = np.repeat(np.asarray([s for s, _, _ in runs], dtype=np.int32), lengths)
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
