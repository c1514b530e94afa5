"""Divergence of one tiny random model from another, against llama.cpp's own logits."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llama_cpp")

from benchmarks.plain import Plain
from runners.runtimes.llamacpp.runtime import LlamaCpp
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support import tiny_gguf
from tests.support.cpp_settings import cpp_settings

TEXT = " Which number weighed two apples on the scale because one clerk thanked" * 4
WINDOW = 40


def loaded(path: Path) -> LlamaCpp:
    runtime = LlamaCpp()
    runtime.load(protocol.Load(path=str(path), settings=cpp_settings(context=160)))
    return runtime


def plain(path: Path) -> tuple[list[int], np.ndarray]:
    """The window, and the log-probabilities after each position of its second half."""
    with closing(Plain(path, length=160)) as bench:
        tokens = bench.encode(TEXT, True)[:WINDOW]
        logits = bench.logits(tokens[:-1], WINDOW // 2)
    return tokens, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "mamba"])
def test_divergence_is_that_of_plain_scores(architecture: str, tmp_path: Path):
    paths = [tmp_path / "one.gguf", tmp_path / "other.gguf"]
    for seed, path in enumerate(paths):
        tiny_gguf.write(path, architecture, seed=seed)
    asked, kept = {"text": TEXT, "window": WINDOW}, str(tmp_path / "logits")
    with closing(loaded(paths[0])) as reference:
        said = reference.diverge(protocol.Diverge(**asked, keep=kept))
        again = reference.diverge(protocol.Diverge(**asked, reference=kept))
    with closing(loaded(paths[1])) as other:
        # As in a job: after the tasks, whose engine is freed for it.
        other.open_engine(protocol.OpenEngine(memory_bytes=2**20))
        found = other.diverge(protocol.Diverge(**asked, reference=kept))
    assert said.vocabulary == len(tiny_gguf.vocabulary())
    assert len(found.kl_nats) == said.positions == WINDOW - 1 - WINDOW // 2
    assert max(map(abs, again.kl_nats)) < 1e-4
    assert all(again.same_top)
    (tokens, log_p), (same, log_q) = (plain(path) for path in paths)
    assert tokens == same
    by_hand = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    assert by_hand.mean() > 0.05
    assert found.kl_nats == pytest.approx(by_hand.tolist(), rel=0.01, abs=1e-4)
    assert found.same_top == (log_p.argmax(axis=1) == log_q.argmax(axis=1)).tolist()


def test_a_context_that_is_shorter_than_the_references_is_refused(tmp_path: Path):
    path = tiny_gguf.write(tmp_path / "one.gguf", "llama")
    kept = str(tmp_path / "logits")
    with closing(loaded(path)) as runtime:
        runtime.diverge(protocol.Diverge(text=TEXT, window=WINDOW, keep=kept))
        with pytest.raises(WorkerError, match="a shorter context than the reference's"):
            runtime.diverge(protocol.Diverge(text=TEXT, window=WINDOW - 8, reference=kept))
