"""Packed scoring against plain evaluation, and against lm-eval's own HFLM on the same folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.engine.encoding import Scoring
from runners.worker import protocol
from tests.support.score_items import rolling, scored

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # lm-eval's and transformers' own

LENGTH = 48
MEMORY = 4 * 2**20
TOLERANCE = 2e-4  # nats a continuation, in float32
SHARED = "prefix tree, shared cells and one mask"
COPIED, ANEW = "prefix tree, a cache a sequence", "every sequence anew"
PATHS = {
    "llama": SHARED, "qwen3": SHARED, "gemma3": SHARED, "gemma2": SHARED, "gpt_oss": SHARED,
    "gpt2": SHARED,
    "mamba2": COPIED, "lfm2": COPIED,
    "bloom": COPIED,  # ALiBi is counted from the mask's own columns
}  # fmt: skip


ITEMS = [
    scored("Which is a metal?\nA. oak\nB. tin\nAnswer:", " A", " B", " C", " D"),
    scored(
        "the clerk put the apples on", " the scale", " the moon", " the scale and", " a", " the"
    ),
    scored("Der Müller rief: „Grüß Gott!“ 🙂", " 🙂", " 日本語", " café naïve", "\u200d🌾"),
    scored("one two three four five six seven", *(f" {n}, I" for n in range(40))),
    scored("To be or not", " to be", " to be", " to be, that", " to be"),
    scored(["Ann thanked Bob", "Ann thanked B", "Then"], " had been.", " had been.", " had been."),
    scored("", "Once upon a time", " Once", "<s>the clerk"),
    scored("The capital is  ", "Paris", "London, I think"),
    scored("<s>the clerk<|user|>", "<|user|>", "</s>"),
    scored("one two three four five six " * 6, " seven eight", " seven nine ten"),
]
ROLLING = [rolling("the clerk wrote a letter to his aunt. " * 8), rolling("tin")]


def score(
    runtime: Any, items: list[protocol.ScoreItem], memory: int = MEMORY
) -> list[protocol.ItemScore]:
    runtime.open_engine(protocol.OpenEngine(memory_bytes=memory))
    return runtime.score(items, lambda _: None).items


def plain(runtime: Any, scoring: Scoring) -> tuple[float, bool]:
    """One sequence by itself, every logit of it, without a cache."""
    import torch

    network = runtime.loaded.model.network
    with torch.inference_mode():
        logits = network(torch.tensor([scoring.read]), use_cache=False).logits[0].double()
    rows = torch.log_softmax(logits[scoring.first - 1 :], dim=-1)
    targets = torch.tensor(scoring.tokens[scoring.first :])
    nats = rows[torch.arange(len(targets)), targets].sum()
    return float(nats), bool((rows.argmax(dim=-1) == targets).all())


@pytest.mark.parametrize("name", PATHS)
def test_packed_scoring_is_plain_scoring(name: str, loaded: Callable[..., Any]) -> None:
    runtime = loaded(name, context=LENGTH)
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    assert opened.path == PATHS[name]
    answers = runtime.score([*ITEMS, *ROLLING], lambda _: None).items
    for item, answer in zip([*ITEMS, *ROLLING], answers, strict=True):
        expected = [plain(runtime, scoring) for scoring in runtime._scorings(item)]
        nats = [value for value, _ in expected]
        picked = [greedy for _, greedy in expected]
        if item.rolling:
            nats, picked = [sum(nats)], [all(picked)]
        assert answer.logprobs == pytest.approx(nats, abs=TOLERANCE)
        assert answer.greedy == picked


@pytest.mark.parametrize("name", ["llama", "gemma3", "mamba2"])
def test_scores_are_those_of_lm_evals_hflm(
    name: str, tiny: Callable[[str], Path], loaded: Callable[..., Any]
) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    theirs = HFLM(
        pretrained=str(tiny(name)), dtype="float32", device="cpu", batch_size=1, max_length=LENGTH
    )

    def ask(kind: str, *arguments: str) -> Any:
        request = Instance(request_type=kind, doc={}, arguments=arguments, idx=0)
        return getattr(theirs, kind)([request], disable_tqdm=True)[0]

    runtime = loaded(name, context=LENGTH)
    # lm-eval stops with an error where there is nothing to score.
    items = [item for item in ITEMS if all(text for _, text in item.continuations)]
    for item, answer in zip(items, score(runtime, items), strict=True):
        pairs = [(item.contexts[c], text) for c, text in item.continuations]
        expected = [ask("loglikelihood", *pair) for pair in pairs]
        assert answer.logprobs == pytest.approx([nats for nats, _ in expected], abs=TOLERANCE)
        assert answer.greedy == [greedy for _, greedy in expected]
    texts = ROLLING[:2]
    for item, answer in zip(texts, score(runtime, texts), strict=True):
        expected = ask("loglikelihood_rolling", item.contexts[0])
        assert answer.logprobs == pytest.approx([expected], abs=TOLERANCE)


def test_the_same_job_twice_has_the_same_bits(loaded: Callable[..., Any]) -> None:
    first = score(loaded("gemma3", context=LENGTH), ITEMS)
    assert score(loaded("gemma3", context=LENGTH), ITEMS) == first


def test_shared_tokens_are_evaluated_once(loaded: Callable[..., Any]) -> None:
    runtime = loaded("llama", context=LENGTH)
    runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    (item,) = [ITEMS[3]]
    reply = runtime.score([item], lambda _: None)
    # Forty continuations follow one context: it is in the raw count forty times.
    reads = {scoring.read for scoring in runtime._scorings(item)}
    tree = {read[:end] for read in reads for end in range(1, len(read) + 1)}
    assert len(tree) <= reply.distinct_tokens < reply.raw_tokens / 3


def test_a_model_that_keeps_nothing_says_what_it_evaluates(loaded: Callable[..., Any]) -> None:
    runtime = loaded("mamba", context=LENGTH)  # goes on from a state wrongly in this transformers
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    assert (opened.path, opened.kv_bytes) == (ANEW, 0)
    reply = runtime.score([ITEMS[0]], lambda _: None)
    # Four answers after one context, which is what they share: each is read from its start.
    reads = {scoring.read for scoring in runtime._scorings(ITEMS[0])}
    assert reply.distinct_tokens >= max(map(len, reads))
    for one, other in zip(
        reply.items, runtime.score_plain([ITEMS[0]], lambda _: None).items, strict=True
    ):
        assert one.logprobs == pytest.approx(other.logprobs, abs=TOLERANCE)


def test_the_engine_says_what_its_cells_take(loaded: Callable[..., Any]) -> None:
    runtime = loaded("llama", context=LENGTH)
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    # Three layers of keys and values, two heads of eight float32 each: 3 x 2 x 2 x 8 x 4 bytes.
    assert opened.kv_bytes == opened.cells * 384
    runtime.score(ITEMS[:1], lambda _: None)
    assert runtime._engine.decoder.kv_bytes() == opened.kv_bytes


@pytest.mark.parametrize("name", ["gemma3", "lfm2"])
def test_plain_scoring_is_on_offer(name: str, loaded: Callable[..., Any]) -> None:
    runtime = loaded(name, context=LENGTH)
    packed = score(runtime, ITEMS)
    plainly = runtime.score_plain(ITEMS, lambda _: None).items
    for one, other in zip(packed, plainly, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=TOLERANCE)
        assert (one.tokens, one.truncated) == (other.tokens, other.truncated)


def test_a_small_engine_scores_alike(loaded: Callable[..., Any]) -> None:
    runtime = loaded("gemma3", context=LENGTH)
    large = score(runtime, ITEMS)
    for one, other in zip(score(runtime, ITEMS, memory=0), large, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=TOLERANCE)


def test_batches_are_halved_when_memory_runs_out(
    loaded: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    runtime = loaded("llama", context=LENGTH)
    expected = score(runtime, ITEMS)
    runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    forward = runtime.loaded.model.forward

    def scarce(tokens: Any, *rest: Any, **how: Any) -> Any:
        if len(tokens) > 10:
            raise torch.OutOfMemoryError("out of memory")
        return forward(tokens, *rest, **how)

    monkeypatch.setattr(runtime.loaded.model, "forward", scarce)
    reply = runtime.score(ITEMS, lambda _: None)
    assert reply.halved_to is not None
    assert 5 <= reply.halved_to <= 10
    for one, other in zip(reply.items, expected, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=TOLERANCE)


def test_bfloat16_is_near(loaded: Callable[..., Any]) -> None:
    exact = score(loaded("llama", context=LENGTH), ITEMS)
    runtime = loaded("llama", context=LENGTH, dtype="bfloat16")
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    assert opened.path == SHARED
    rounded = runtime.score(ITEMS, lambda _: None).items
    apart = [
        np.abs(np.subtract(a.logprobs, b.logprobs)).max() / max(1, a.tokens)
        for a, b in zip(exact, rounded, strict=True)
    ]
    assert 0 < max(apart) < 0.2  # eight bits of mantissa
