"""lm-eval's `hf` in float32 against both runtimes, on one tiny model a kind of tokenizer.

Asked are log-likelihoods (packed and plain), rolling texts and greedy generations (one at a time
and packed). Where a tokenizer appends EOS to every text, lm-eval's has that taken away: it would
score EOS in place of each choice.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runners.worker import protocol
from tests.support import tiny_kinds

CHOICES = (" yes", " no", " walking", " the sky is blue", "ing", "?")
PAIRS = (
    *(("the sky is blue", choice) for choice in CHOICES),
    *(("", choice) for choice in (*CHOICES, "yes", "forty apples")),
    ("is it blue? ", "yes"), ("is it blue?\n", "no"), ("we weigh", " apples and the answer"),
    ("question: is it?\nanswer:", " 7"), ("question: is it?\nanswer:", " yes\n"),
)  # fmt: skip
"""Contexts and continuations; the split leaves a token of each."""
ROLLING = ("the sky is blue, and the apples walk. " * 12, "x", "walking")
PROMPTS = ("is it blue?", "the sky", "question: is the sky blue?\nanswer:", " ", "</s>")
UNTIL: tuple[list[str], ...] = ([], [" is"], ["is bl", " it"], [" yes"], ["</s>"], ["t i", "ye"])
NEW_TOKENS = 8
MEMORY = 2**24


def compare(kind: tiny_kinds.Kind) -> list[dict[str, Any]]:
    """Compare both runtimes with lm-eval's hf, an entry a runtime."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place)
        scores = tiny_kinds.write(kind, path / "random")
        says = tiny_kinds.write(kind, path / "says", says=True)
        reference = _Reference(scores[1], says[1])
        return [
            _compared("hf", reference, scores[0], says[0]),
            _compared("llamacpp", reference, scores[2], says[2]),
        ]


class _Reference:
    """Answers of lm-eval's hf in float32."""

    def __init__(self, scores: Path, says: Path) -> None:
        model = _hflm(scores)
        self.encode = model.tok_encode
        pairs = model.loglikelihood([_instance("loglikelihood", pair) for pair in PAIRS], True)
        self.nats = [float(nats) for nats, _ in pairs]
        self.greedy = [bool(greedy) for _, greedy in pairs]
        rolling = [_instance("loglikelihood_rolling", (text,)) for text in ROLLING]
        self.rolling = [float(nats) for nats in model.loglikelihood_rolling(rolling, True)]
        speaker = _hflm(says)
        arguments = {"do_sample": False, "max_gen_toks": NEW_TOKENS}
        asked = [
            _instance("generate_until", (prompt, {**arguments, "until": list(until)}))
            for prompt in PROMPTS
            for until in UNTIL
        ]
        self.answers: list[str] = speaker.generate_until(asked, True)


def _compared(runtime: str, reference: _Reference, scores: Path, says: Path) -> dict[str, Any]:
    items = [
        protocol.ScoreItem(contexts=[context], continuations=[(0, continuation)])
        for context, continuation in PAIRS
    ]
    items += [protocol.ScoreItem(contexts=[t], continuations=[], rolling=True) for t in ROLLING]
    texts = [*(context + continuation for context, continuation in PAIRS), *ROLLING]
    with _loaded(runtime, scores) as model:
        encode = _text(model).encode
        alike = [encode(text, True) == reference.encode(text) for text in texts]
        packed = model.score(items, _silent).items
        plain = model.score_plain(items, _silent).items
    expected = [*reference.nats, *reference.rolling]
    differences = [
        abs(answer.logprobs[0] - nats)
        for found in (packed, plain)
        for answer, nats, same in zip(found, expected, alike, strict=True)
        if same
    ]
    greedy = [answer.greedy[0] for answer in packed[: len(PAIRS)]]
    answers = _answers(runtime, says)
    return {
        "runtime": runtime,
        "texts": len(texts),
        "tokenised_otherwise": alike.count(False),
        "largest_difference": max(differences),
        "greedy_otherwise": sum(
            a != b for a, b, s in zip(greedy, reference.greedy, alike, strict=False) if s
        ),
        "answers": len(answers),
        "answers_otherwise": sorted(
            {(o, t) for o, t in zip(answers, reference.answers * 2, strict=True) if o != t}
        ),
        "answer": answers[0],
    }


def _answers(runtime: str, says: Path) -> list[str]:
    """Every prompt with every list of stop strings, one at a time and then packed."""
    asked = [
        protocol.GenerateItem(
            prompt=prompt, until=list(until), max_tokens=NEW_TOKENS, temperature=0.0, top_k=0,
            top_p=1.0, seed=0,
        )
        for prompt in PROMPTS
        for until in UNTIL
    ]  # fmt: skip
    with _loaded(runtime, says) as model:
        return [
            answer.text
            for packed in (False, True)
            for answer in model.generate(
                protocol.Generate(items=asked, packed=packed), _silent
            ).items
        ]


@contextlib.contextmanager
def _loaded(runtime: str, path: Path) -> Iterator[Any]:
    from runners.runtimes.hf.runtime import Hf
    from runners.runtimes.llamacpp.runtime import LlamaCpp

    model: Any = Hf() if runtime == "hf" else LlamaCpp()
    settings = {
        "context": tiny_kinds.CONTEXT, "threads": 1, "kv_cache_type": "f32", "mmap": True,
        "repack": True, "gpu_layers": 0, "dtype": "float32", "device": "cpu",
        "trust_remote_code": False,
    }  # fmt: skip
    model.load(protocol.Load(path=str(path), settings=settings))
    model.open_engine(protocol.OpenEngine(memory_bytes=MEMORY))
    try:
        yield model
    finally:
        model.close()


def _text(model: Any) -> Any:
    return model.loaded.text if hasattr(model, "loaded") else model._model.text


def _hflm(path: Path) -> Any:
    import torch
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(path), dtype=torch.float32, batch_size=1, device="cpu")


def _instance(kind: str, arguments: tuple[Any, ...]) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)  # type: ignore[arg-type]


def _silent(_done: int) -> None:
    """Nobody waits."""
