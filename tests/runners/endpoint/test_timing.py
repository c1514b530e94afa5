"""Timed requests: prompts of a length, each with its own beginning, and proof against caches."""

import pytest

from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served
from runners.endpoint.timing import Prompts, Timer
from runners.endpoint.tokens import Tokens
from runners.worker.protocol import LatencyTimes, RunLatency
from runners.worker.runtime import WorkerError
from tests.runners.endpoint.conftest import Mocked

ASKED = RunLatency(prompt_tokens=40, new_tokens=6, warmups=1, repeats=2)


def timed(served: Served, *, ids: bool = False, context: int = 4096) -> LatencyTimes:
    prompts = Prompts(served, Tokens(served) if ids else None)
    timer = Timer(served=served, prompts=prompts, context=context)
    return timer.workload(ASKED, lambda _: None)


@pytest.mark.parametrize("speaks", ["llama-server", "vllm"])
def test_prompts_of_ids_have_their_length_to_the_token(mocked: Mocked, speaks: str) -> None:
    served = mocked(speaks, text="abc", first_token_s=0.002, per_token_s=0.001)
    found = timed(served, ids=True)
    assert (found.evaluated_tokens, found.cached_tokens, found.ended_early) == (40, 0, 0)
    assert len(found.warmups) == 1
    assert len(found.repeats) == 2
    for one in found.repeats:
        # ignore_eos: six tokens, though the text has three
        assert (one.counted, len(one.token_s), one.first_text, one.streamed) == (6, 6, 0, True)
        assert one.token_s == sorted(one.token_s)
        assert one.prefill_s == (pytest.approx(0.002) if speaks == "llama-server" else None)


@pytest.mark.parametrize("speaks", ["openai", "ollama"])
def test_without_a_tokeniser_lengths_are_found_by_counts(mocked: Mocked, speaks: str) -> None:
    found = timed(mocked(speaks, model="mock", text="abc"))
    # four characters a token at first, then by the server's count: a byte is a token, and a BOS
    assert found.evaluated_tokens == pytest.approx(40, rel=0.05)
    assert found.ended_early == 2  # three of six tokens
    assert found.repeats[0].counted == 3


def test_each_prompt_has_a_beginning_of_its_own(mocked: Mocked) -> None:
    served = mocked("vllm")
    for tokens in (None, Tokens(served)):
        prompts = Prompts(served, tokens)
        made = [prompts.make(40) for _ in range(8)]
        assert len({one[:6] for one in made}) == 8
        assert len({len(one) for one in made}) == 1


def test_what_came_from_a_cache_is_counted(mocked: Mocked) -> None:
    # two APIs have a word against the cache; else the beginnings differ after the BOS
    assert timed(mocked("llama-server", cache=True), ids=True).cached_tokens == 0
    assert timed(mocked("vllm", cache=True), ids=True).cached_tokens == 0
    # The BOS; a character of the beginning, one of sixteen, is a token there, and may be the same.
    assert timed(mocked("openai", cache=True)).cached_tokens in range(1, 6)


def test_a_cache_that_is_not_told_of_is_tried_by_the_same_prompt_again(mocked: Mocked) -> None:
    found = timed(mocked("openai", cache=True, usage=False, text="abc", first_token_s=0.1))
    assert (found.cached_tokens, found.evaluated_tokens) == (None, None)
    assert found.cache_ratio is not None
    assert found.cache_ratio > 1.5
    assert found.repeats[0].counted is None


def test_a_workload_that_does_not_fit_and_an_answer_without_a_text_are_refused(
    mocked: Mocked,
) -> None:
    with pytest.raises(WorkerError, match="needs a context of 46 tokens, the server's is 45"):
        timed(mocked("vllm"), context=45)
    served = mocked("openai", text="", reasoning="")
    assert timed(served).repeats[0].counted == 6  # the toy model writes
    with pytest.raises(EndpointError, match="has no text"):
        timed(mocked("openai", speechless=True))
