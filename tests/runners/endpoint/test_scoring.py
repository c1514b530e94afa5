"""Log-likelihoods from servers, and the check that none of them is believed without."""

from typing import Any

import pytest

from runners.endpoint.faults import EndpointError
from runners.endpoint.likelihood import by_echo, by_forcing, by_grammar
from runners.endpoint.mock.language import BOS, Language
from runners.endpoint.scoring import find_scorer, scored
from runners.endpoint.self_check import prove
from runners.endpoint.tokens import Tokens
from runners.engine.encoding import Scoring
from runners.worker.protocol import ScoreItem
from runners.worker.runtime import WorkerError
from tests.runners.endpoint.conftest import Mocked


def by_hand(before: str, continuation: str) -> float:
    """The toy model's log-probability of a text: each byte by the one before it."""
    model = Language()
    whole = [BOS, *(before + continuation).encode()]
    first = len(whole) - len(continuation.encode())
    return sum(model.logprobs(whole[at - 1])[whole[at]] for at in range(first, len(whole)))


def test_all_three_ways_give_the_toy_models_own_numbers(mocked: Mocked) -> None:
    sequence = Scoring(tokens=(BOS, 97, 98, 99), first=2, truncated=False)
    expected = pytest.approx(by_hand("a", "bc"))
    for way, speaks in (
        (by_echo, "vllm"),
        (by_grammar, "llama-server"),
        (by_forcing, "llama-server"),
    ):
        assert way(mocked(speaks), sequence, False) == (expected, False)


def test_the_greedy_continuation_is_known_as_such(mocked: Mocked) -> None:
    first, second = Language().write([97], 2)
    for way, speaks in (
        (by_echo, "vllm"),
        (by_grammar, "llama-server"),
        (by_forcing, "llama-server"),
    ):
        greedy = Scoring(tokens=(97, first, second), first=1, truncated=False)
        other = Scoring(tokens=(97, first, 0), first=1, truncated=False)
        assert way(mocked(speaks), greedy, True)[1]
        assert not way(mocked(speaks), other, True)[1]


@pytest.mark.parametrize(
    ("speaks", "told", "path", "failed"),
    [
        ("vllm", {}, "echo", []),
        ("vllm", {"echo": "shifted"}, None, ["is scored"]),
        ("vllm", {"echo": "ignored"}, None, ["echoed tokens"]),
        ("llama-server", {"echo": "ignored"}, "token grammar", ["echoed tokens"]),
        ("llama-server", {"echo": "shifted"}, "token grammar", ["is scored"]),
        (
            "llama-server",
            {"echo": "ignored", "grammar": False},
            "teacher forcing",
            ["echo", "grammar"],
        ),
    ],
)
def test_a_way_is_taken_only_where_it_passes_the_check(
    mocked: Mocked, speaks: str, told: Any, path: str | None, failed: list[str]
) -> None:
    served = mocked(speaks, **told)
    proven, found = prove(served, Tokens(served))
    assert (proven.way.name if proven else None) == path
    assert [word in text for word, text in zip(failed, found, strict=True)] == [True] * len(failed)
    if proven:
        assert proven.apart_nats == pytest.approx(0, abs=1e-9)


def test_log_probabilities_after_sampling_are_refused(mocked: Mocked) -> None:
    # Each token that was chosen has 0 nats: so would every continuation.
    served = mocked("llama-server", echo="ignored", after_sampling=True)
    proven, failed = prove(served, Tokens(served))
    assert proven is None
    assert "as likely as the greedy" in failed[1]


def test_a_server_that_fails_is_no_server_that_cannot(mocked: Mocked) -> None:
    served = mocked("vllm", faults=("ok", "ok", "ok", "429"))
    with pytest.raises(EndpointError) as broken:
        prove(served, Tokens(served))
    assert broken.value.outcome == "rate limited"


CHOICE = ScoreItem(contexts=["Q: a "], continuations=[(0, "yes"), (0, "no")])


def test_items_are_scored_by_lm_evals_rules(mocked: Mocked) -> None:
    for speaks in ("vllm", "llama-server"):
        scorer = find_scorer(mocked(speaks), 4096)
        told: list[int] = []
        rolling = ScoreItem(contexts=["ab"], continuations=[], rolling=True)
        empty = ScoreItem(contexts=[""], continuations=[(0, "ab")])
        answer = scored(scorer, [CHOICE, rolling, empty], told.append, fresh=False)
        choice, text, alone = answer.items
        # the space at the context's end belongs to the choice
        assert choice.logprobs == pytest.approx([by_hand("Q: a", " yes"), by_hand("Q: a", " no")])
        assert (choice.tokens, choice.truncated) == (4 + 3, False)
        assert alone.logprobs == pytest.approx([by_hand("", "ab")])
        # a whole text is encoded with its BOS, which lm-eval scores after another
        assert text.logprobs == pytest.approx([Language().logprobs(BOS)[BOS] + by_hand("", "ab")])
        assert told == [1, 2, 3]
        assert scorer.apart_nats == pytest.approx(0, abs=1e-9)


def test_a_sequence_that_is_too_long_loses_its_beginning(mocked: Mocked) -> None:
    scorer = find_scorer(mocked("vllm"), 8)
    (one,) = scored(scorer, [CHOICE], lambda _: None, fresh=True).items
    assert one.truncated
    assert one.logprobs == pytest.approx([by_hand("Q: a", " yes"), by_hand("Q: a", " no")])


def test_letters_are_read_off_the_likeliest_tokens(mocked: Mocked) -> None:
    scorer = find_scorer(mocked("ollama"), 4096)
    assert (scorer.path, scorer.apart_nats) == ("single letters", None)
    row = Language().logprobs(ord(":"))
    ranked = sorted(range(256), key=row.__getitem__, reverse=True)
    best, other, unlikely = (chr(t) for t in (ranked[0], ranked[1], 33))
    if " " in (best, other):
        best, other = (chr(t) for t in ranked[1:3])
    item = ScoreItem(
        contexts=["Answer:"], continuations=[(0, f" {c}") for c in (other, best, unlikely)]
    )
    (found,) = scored(scorer, [item], lambda _: None, fresh=False).items
    assert found.logprobs[0] == row[ord(other)]
    assert found.logprobs[1] == row[ord(best)]
    # the third is at most as likely as the 20th
    assert found.logprobs[2] == row[ranked[19]]
    assert found.bounds == 1
    with pytest.raises(WorkerError, match="choices of one letter"):
        scored(scorer, [CHOICE], lambda _: None, fresh=False)
    none = ScoreItem(contexts=["Answer:"], continuations=[(0, "!"), (0, "?")])
    with pytest.raises(EndpointError, match=r"none of !, [?] is among"):
        scored(scorer, [none], lambda _: None, fresh=False)


def test_a_server_without_log_probabilities_says_what_would_do(mocked: Mocked) -> None:
    with pytest.raises(WorkerError, match=r"token ids: .*; single letters: .*suite words"):
        find_scorer(mocked("openai", logprobs=False), 4096)
