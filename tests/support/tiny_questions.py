"""What each in-process runtime is asked of a tiny model, and how its answers are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from runners.worker import protocol
from tests.support.score_items import rolling, scored

LENGTH = 64
"""Tokens of the context: eight sliding windows of the families that have them."""
ITEMS = [
    scored("Which is a metal?\nA. oak\nB. tin\nAnswer:", " A", " B", " C", " D"),
    scored("the sky is blue and it is the", " question", " answer", " apple weigh"),
    scored("the sky is blue and it is the apple", " question", " answer"),
    scored("", "The answer", " the answer"),
    scored("To weigh or not", " to weigh", " to weigh", " to weigh one"),
    scored("Der Müller", " 🙂", " 日本"),
    rolling("the apples weigh forty; the answer is no. " * 4),
]
HF = {
    "context": LENGTH, "threads": 1, "dtype": "float32", "device": "cpu",
    "trust_remote_code": False,
}  # fmt: skip


def asked(prompt: str, **changes: Any) -> protocol.GenerateItem:
    """A prompt to answer greedily."""
    usual = {"until": [], "max_tokens": 6, "temperature": 0, "top_k": 0, "top_p": 1, "seed": 0}
    return protocol.GenerateItem(prompt=prompt, **{**usual, **changes})


def opened(runtime: Any, path: object, settings: dict[str, Any]) -> Any:
    """A runtime with a model loaded, ready to score."""
    runtime.load(protocol.Load(path=str(path), settings=settings))
    runtime.open_engine(protocol.OpenEngine(memory_bytes=4 * 2**20))
    return runtime


def nats(answers: Sequence[protocol.ItemScore]) -> list[float]:
    """All log-probabilities."""
    return [value for answer in answers for value in answer.logprobs]


def texts(runtime: Any, *prompts: str, packed: bool = False) -> list[str]:
    """Answers to prompts."""
    question = protocol.Generate(items=[asked(one) for one in prompts], packed=packed)
    return [answer.text for answer in runtime.generate(question, quiet).items]


def quiet(*_: object) -> None:
    """Take no notice of progress."""


def agrees_with_plain_scoring(runtime: Any, reference: Any, tolerance: float) -> None:
    """Hold a runtime to `reference`, which evaluates every sequence anew: scores and texts.

    Args:
        tolerance: nats a continuation.
    """
    expected = reference.score_plain(ITEMS, quiet).items
    for how in (runtime.score, runtime.score_plain):
        found = how(ITEMS, quiet).items
        assert nats(found) == pytest.approx(nats(expected), abs=tolerance, rel=0)
        assert [one.greedy for one in found] == [one.greedy for one in expected]
        assert [one.tokens for one in found] == [one.tokens for one in expected]
    # Not because nothing depends on anything: choices differ by far more.
    assert max(nats(expected)) - min(nats(expected)) > 1000 * tolerance
    prompts = ("the answer is", "the sky", "forty apples")
    written = texts(reference, *prompts)
    assert texts(runtime, *prompts) == written
    assert texts(runtime, *prompts, packed=True) == written
