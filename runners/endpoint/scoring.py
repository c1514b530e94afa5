"""Score windows of items by a server, in a way that it has passed the self-check with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runners.endpoint.asking import Ask
from runners.endpoint.faults import EndpointError
from runners.endpoint.self_check import prove
from runners.endpoint.served import Served
from runners.endpoint.tokens import Tokens
from runners.engine.encoding import item_scorings
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

LETTERS = "single letters"
LETTER_TOP = 20
"""Most tokens whose log-probabilities OpenAI's and Ollama's APIs give at one place."""
ScoreItem = Callable[[protocol.ScoreItem, bool], protocol.ItemScore]
"""An item, and True where nothing may come from a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScorer:
    """How this server's items are scored."""

    path: str
    """Name of the way, for the record."""
    apart_nats: float | None
    """Largest difference in the self-check; None where the way has no such check."""
    score: ScoreItem


def find_scorer(served: Served, context: int) -> ItemScorer:
    """Prove the ways of scoring one after the other.

    Args:
        served: the server.
        context: tokens that a sequence may have.

    Raises:
        WorkerError: none passes; the text says why for each, and what would do.
    """
    try:
        tokens: Tokens | None = Tokens(served)
        why = ""
    except EndpointError as fault:
        tokens, why = None, str(fault)
    failed = [f"token ids: {why}"] if why else []
    if tokens is not None:
        proven, failed = prove(served, tokens)
        if proven is not None:
            way = proven.way

            def score(item: protocol.ScoreItem, fresh: bool) -> protocol.ItemScore:
                return _by_tokens(served, tokens, way.score, item, context, fresh)

            return ItemScorer(path=way.name, apart_nats=proven.apart_nats, score=score)
    try:
        _check_letters(served)
    except EndpointError as fault:
        failed.append(f"{LETTERS}: {fault}")
        raise WorkerError(
            f"no log-likelihoods from this server ({'; '.join(failed)}); take tasks that are "
            "answered in words, e.g. --suite words"
        ) from fault
    return ItemScorer(
        path=LETTERS, apart_nats=None, score=lambda item, fresh: _by_letters(served, item, fresh)
    )


def scored(
    scorer: ItemScorer, items: Sequence[protocol.ScoreItem], progress: OnProgress, *, fresh: bool
) -> protocol.Scored:
    """Score a window, one item after the other; several at a time would batch and change bits."""
    started = time.perf_counter()
    answers = []
    for number, item in enumerate(items):
        answers.append(scorer.score(item, fresh))
        progress(number + 1)
    tokens = sum(answer.tokens for answer in answers)
    return protocol.Scored(
        items=answers,
        seconds=time.perf_counter() - started,
        raw_tokens=tokens,
        distinct_tokens=tokens,
    )


def _by_tokens(
    served: Served,
    tokens: Tokens,
    way: Callable[..., tuple[float, bool]],
    item: protocol.ScoreItem,
    context: int,
    fresh: bool,
) -> protocol.ItemScore:
    needs_prefix = item.rolling or "" in item.contexts
    scorings = item_scorings(
        tokens.encode,
        item,
        prefix_token=tokens.prefix_token if needs_prefix else -1,
        max_length=context - 1,
    )
    found = [way(served, scoring, fresh) for scoring in scorings]
    nats, greedy = [one for one, _ in found], [one for _, one in found]
    return protocol.ItemScore(
        logprobs=[sum(nats)] if item.rolling else nats,
        greedy=[all(greedy)] if item.rolling else greedy,
        tokens=sum(len(scoring.tokens) - scoring.first for scoring in scorings),
        truncated=any(scoring.truncated for scoring in scorings),
        alone=sum(scoring.alone for scoring in scorings),
    )


def _check_letters(served: Served) -> None:
    """One answer whose likeliest tokens are told, and no chat template around the prompt."""
    if not served.completes:
        raise EndpointError("not found", "the server answers conversations alone")
    found = _likeliest(served, "The first letters of the alphabet are A, B and", fresh=False)
    if not found:
        raise EndpointError("error in the answer", "it tells no likeliest tokens")


def _likeliest(served: Served, prompt: str, *, fresh: bool) -> dict[str, float]:
    """Log-probability of the likeliest tokens after a prompt, by their text without spaces."""
    ask = Ask(
        prompt=prompt,
        max_tokens=1,
        stream=False,
        logprobs=LETTER_TOP,
        extra=served.uncached if fresh else {},
    )
    written = served.whole(served.text_dialect, ask).logprobs
    if not written or written[0].logprob is None:
        return {}
    found: dict[str, float] = {}
    for one in written[0].top:
        text = one.token.strip()
        found[text] = max(one.logprob, found.get(text, float("-inf")))
    return found


def _by_letters(served: Served, item: protocol.ScoreItem, fresh: bool) -> protocol.ItemScore:
    """Choices of one letter each, read off the likeliest tokens after the prompt.

    Raises:
        WorkerError: the item is of another kind, or none of its letters is among them.
    """
    letters = [continuation.strip() for _, continuation in item.continuations]
    if item.rolling or len(item.contexts) != 1 or any(len(letter) != 1 for letter in letters):
        raise WorkerError(
            "this server gives the likeliest tokens alone, by which only choices of one letter can "
            "be scored; take tasks that are answered in words, e.g. --suite words"
        )
    found = _likeliest(served, item.contexts[0], fresh=fresh)
    if not any(letter in found for letter in letters):
        raise EndpointError(
            "error in the answer",
            f"none of {', '.join(letters)} is among the {LETTER_TOP} likeliest tokens",
        )
    # A letter that is not among them is at most as likely as the last of them.
    least = min(found.values())
    nats = [found.get(letter, least) for letter in letters]
    best = max(found.values())
    return protocol.ItemScore(
        logprobs=nats,
        greedy=[letter in found and found[letter] == best for letter in letters],
        tokens=len(letters),
        truncated=False,
        bounds=sum(letter not in found for letter in letters),
    )
