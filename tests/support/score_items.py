"""Requests for likelihoods, as tests of a runtime's scoring write them."""

from __future__ import annotations

from runners.worker import protocol


def scored(contexts: str | list[str], *continuations: str) -> protocol.ScoreItem:
    """One context before all continuations, or as many contexts as there are continuations."""
    if isinstance(contexts, str):
        return protocol.ScoreItem(
            contexts=[contexts], continuations=[(0, c) for c in continuations]
        )
    return protocol.ScoreItem(contexts=contexts, continuations=list(enumerate(continuations)))


def rolling(text: str) -> protocol.ScoreItem:
    """A whole text, for perplexity."""
    return protocol.ScoreItem(contexts=[text], continuations=[], rolling=True)
