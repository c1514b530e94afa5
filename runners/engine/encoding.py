"""lm-eval's conventions for turning text into scored token sequences, kept to the letter.

They live in lm-eval's `TemplateLM` and `HFLM`, which the worker must not import. Pure functions
over a tokeniser; the tests compare them with lm-eval's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from runners.worker import protocol
from runners.worker.runtime import WorkerError

Encode = Callable[[str, bool], list[int]]
"""Text and whether to add the model's own BOS -> token ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """One sequence to evaluate and the part of it that is scored.

    The model reads `tokens[:-1]`; position `first - 1` predicts `tokens[first]`, the first token
    of the continuation, and so on to the last; `1 <= first < len(tokens)`.
    """

    tokens: tuple[int, ...]
    first: int
    truncated: bool
    alone: bool = False
    """The continuation was encoded by itself: with its context it leaves no token of its own."""

    @property
    def read(self) -> tuple[int, ...]:
        """The tokens that the model has to evaluate."""
        return self.tokens[:-1]


def encode_pair(
    encode: Encode, context: str, continuation: str, *, prefix_token: int, max_length: int
) -> Scoring:
    """One (context, continuation) as lm-eval's `TemplateLM.loglikelihood` encodes it.

    Trailing white space of the context moves to the continuation; the whole text is encoded
    and split at the length of the encoded context; an empty context becomes the BOS (else EOS)
    token, unless the continuation starts with it and goes on. At most `max_length` tokens are
    read, the oldest dropped.

    Where lm-eval stops with an AssertionError this goes on: a continuation of which the split
    leaves no token is encoded by itself, and a context without a token becomes the prefix token.

    Raises:
        WorkerError: the continuation has no token at all, so that nothing could be scored.
    """
    alone = False
    if context == "":
        continuation_ids = encode(continuation, False)
        if continuation_ids[:1] == [prefix_token] and len(continuation_ids) > 1:
            context_ids, continuation_ids = continuation_ids[:1], continuation_ids[1:]
        else:
            context_ids = [prefix_token]
    else:
        spaces = len(context) - len(context.rstrip())
        if spaces:
            context, continuation = context[:-spaces], context[-spaces:] + continuation
        context_ids = encode(context, True)
        continuation_ids = encode(context + continuation, True)[len(context_ids) :]
        alone = not continuation_ids
        if alone:
            continuation_ids = encode(continuation, False)
    if not continuation_ids:
        raise _nothing_to_score("choice", continuation)
    return truncate(context_ids or [prefix_token], continuation_ids, max_length, alone=alone)


def truncate(
    context: Sequence[int], continuation: Sequence[int], max_length: int, *, alone: bool = False
) -> Scoring:
    """Keep the last `max_length + 1` tokens, as lm-eval does: the model reads all but the last."""
    whole = (*context, *continuation)
    kept = whole[-(max_length + 1) :]
    dropped = len(whole) - len(kept)
    # A continuation that fills the whole context has lost its first tokens; at least one token
    # must be left in front of what is scored.
    first = max(1, len(context) - dropped)
    return Scoring(tokens=kept, first=first, truncated=dropped > 0, alone=alone)


def rolling_windows(tokens: Sequence[int], *, prefix_token: int, max_length: int) -> list[Scoring]:
    """A text as disjoint windows, each token predicted once, with one token of context.

    The same windows as lm-eval's `get_rolling_token_windows(context_len=1)` made disjoint: the
    first starts from `prefix_token`; later ones predict `max_length` tokens from the token
    before them, and the last one reads as far back as the model allows.
    """
    windows = []
    done = 0
    while done < len(tokens):
        size = min(len(tokens) - done, max_length)
        end = done + size
        if done == 0:
            read = (prefix_token, *tokens[: size - 1])
        else:
            read = tuple(tokens[end - max_length - 1 : end - 1])
        windows.append(
            Scoring(tokens=(*read, tokens[end - 1]), first=len(read) - size + 1, truncated=False)
        )
        done = end
    return windows


def item_scorings(
    encode: Encode, item: protocol.ScoreItem, *, prefix_token: int, max_length: int
) -> list[Scoring]:
    """The item's scorings: one a continuation; for a rolling item, one a window.

    Raises:
        WorkerError: a text has no token in this vocabulary.
    """
    if item.rolling:
        tokens = encode(item.contexts[0], True)
        if not tokens:
            raise _nothing_to_score("document", item.contexts[0])
        return rolling_windows(tokens, prefix_token=prefix_token, max_length=max_length)
    once = cache(encode)  # the choices of an item share their context
    return [
        encode_pair(
            once,
            item.contexts[context],
            continuation,
            prefix_token=prefix_token,
            max_length=max_length,
        )
        for context, continuation in item.continuations
    ]


def _nothing_to_score(what: str, text: str) -> WorkerError:
    return WorkerError(
        f"the {what} {text[:60]!r} has no token in this model's vocabulary, so there is nothing to "
        "score: correct the task, or leave the document out"
    )
