"""Packed scoring against scoring each sequence alone, on a language model that is a hash."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.engine.encoding import Scoring, rolling_windows
from runners.engine.plan import Limits
from runners.engine.scoring import Scorer, item_score, score_plain
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support.toy_decoder import VOCABULARY, Toy, logits_after


def alone(scoring: Scoring) -> tuple[float, bool]:
    """One sequence by itself, token after token, in float64."""
    nats, greedy = 0.0, True
    for at in range(scoring.first, len(scoring.tokens)):
        logits = logits_after(scoring.tokens[:at]).astype(np.float64)
        token = scoring.tokens[at]
        nats += logits[token] - np.log(np.exp(logits).sum())
        greedy &= logits.argmax() == token
    return nats, bool(greedy)


tokens_ = st.lists(st.integers(0, 2), min_size=2, max_size=8)


@st.composite
def scorings_(draw):
    tokens = draw(tokens_)
    first = draw(st.integers(1, len(tokens) - 1))
    return Scoring(tokens=tuple(tokens), first=first, truncated=False)


windows = st.lists(st.lists(scorings_(), max_size=5), max_size=6)


@given(
    window=windows,
    batch_tokens=st.integers(1, 9),
    rows=st.integers(1, 4),
    wave_tokens=st.integers(1, 40),
    sequences=st.integers(2, 16),
    cells=st.integers(8, 30),
    shared=st.booleans(),
    before=windows,
)
def test_packed_equals_alone(
    window, batch_tokens, rows, wave_tokens, sequences, cells, shared, before
):
    decoder = Toy(batch_tokens=batch_tokens, rows=rows)
    limits = Limits(wave_tokens=wave_tokens, sequences=sequences, cells=cells, shared=shared)
    scorer = Scorer(decoder, limits)
    scorer.score(before, lambda _: None)  # may leave a preamble, which may be this window's
    decoder.evaluated = 0
    told: list[int] = []

    nats, greedy, evaluated = scorer.score(window, told.append)

    assert [len(part) for part in nats] == [len(item) for item in window]
    for item, item_nats, item_greedy in zip(window, nats, greedy, strict=True):
        expected = [alone(scoring) for scoring in item]
        assert list(item_nats) == pytest.approx([n for n, _ in expected], abs=1e-5)
        assert list(item_greedy) == [g for _, g in expected]
    assert decoder.evaluated <= evaluated <= sum(len(s.read) for item in window for s in item)
    assert told == sorted(told)
    assert all(done <= len(window) for done in told)


def greedy_continuation(context: Sequence[int], length: int) -> tuple[int, ...]:
    tokens = list(context)
    for _ in range(length):
        tokens.append(int(logits_after(tokens).argmax()))
    return tuple(tokens)


def test_a_greedy_continuation_is_recognised_and_its_neighbour_is_not():
    best = greedy_continuation((1, 2), 4)
    other = (*best[:-1], (best[-1] + 1) % VOCABULARY)
    item = [Scoring(tokens=tokens, first=2, truncated=False) for tokens in (best, other)]
    limits = Limits(wave_tokens=512, sequences=64, cells=64, shared=True)
    _, greedy, _ = Scorer(Toy(batch_tokens=2, rows=1), limits).score([item], lambda _: None)
    assert greedy[0].tolist() == [True, False]


def test_progress_counts_complete_items():
    # Each reads two tokens of its own.
    items = [[Scoring(tokens=(n, 2, 3), first=1, truncated=False)] for n in (5, 1, 3, 2, 4)]
    limits = Limits(wave_tokens=4, sequences=64, cells=64, shared=True)  # two items a wave
    told: list[int] = []
    Scorer(Toy(batch_tokens=8, rows=8), limits).score(items, told.append)
    assert told == [2, 4, 5]


def test_an_empty_window():
    limits = Limits(wave_tokens=4, sequences=64, cells=64, shared=True)
    assert Scorer(Toy(batch_tokens=8, rows=8), limits).score([], lambda _: None) == ([], [], 0)


def test_item_score_keeps_one_sum_a_continuation():
    item = protocol.ScoreItem(contexts=["c"], continuations=[(0, "a"), (0, "b")])
    scorings = [
        Scoring(tokens=(1, 2, 3), first=1, truncated=False),
        Scoring(tokens=(2, 4), first=1, truncated=True),
    ]
    score = item_score(item, scorings, np.array([-1.5, -2.0]), np.array([True, False]))
    # Tokens of the continuations: 2 + 1.
    assert score == protocol.ItemScore(
        logprobs=[-1.5, -2.0], greedy=[True, False], tokens=3, truncated=True
    )
    assert type(score.logprobs[0]) is float  # lm-eval and JSON want Python's own
    assert type(score.greedy[0]) is bool


@pytest.mark.parametrize(("greedy", "expected"), [([True, True], True), ([True, False], False)])
def test_item_score_adds_up_the_windows_of_a_rolling_text(greedy, expected):
    item = protocol.ScoreItem(contexts=["text"], continuations=[], rolling=True)
    scorings = rolling_windows([1, 2, 3, 4, 5], prefix_token=0, max_length=3)
    score = item_score(item, scorings, np.array([-1.5, -2.25]), np.array(greedy))
    # -1.5 - 2.25; each of the five tokens is predicted once.
    assert score == protocol.ItemScore(
        logprobs=[-3.75], greedy=[expected], tokens=5, truncated=False
    )


def test_item_score_counts_what_was_encoded_by_itself():
    item = protocol.ScoreItem(contexts=["c"], continuations=[(0, "a"), (0, "b")])
    scorings = [
        Scoring(tokens=(1, 2), first=1, truncated=False, alone=alone) for alone in (True, False)
    ]
    score = item_score(item, scorings, np.zeros(2), np.zeros(2, dtype=np.bool_))
    assert score.alone == 1


@pytest.mark.parametrize("odd", [math.nan, math.inf])
@pytest.mark.parametrize("plainly", [False, True])
def test_numbers_that_are_none_are_refused(odd: float, plainly: bool):
    class Broken(Toy):
        def decode(self, *batch):
            logits = super().decode(*batch)
            logits[:, -1] = odd  # one of a row is enough: the softmax divides by the sum of all
            return logits

    scorings = [[Scoring(tokens=(1, 2, 3), first=2, truncated=False)]]
    limits = Limits(wave_tokens=64, sequences=4, cells=64, shared=True)
    decoder = Broken(batch_tokens=8, rows=4)
    score = partial(score_plain, decoder) if plainly else Scorer(decoder, limits).score
    with pytest.raises(WorkerError, match=f"logits are not numbers \\(the largest is {odd}\\)"):
        score(scorings, lambda _: None)


def test_a_preamble_is_kept_for_the_next_window_that_has_it():
    def window(*ends: int) -> list[list[Scoring]]:
        return [[Scoring(tokens=(7, 8, 9, end, 1), first=4, truncated=False)] for end in ends]

    limits = Limits(wave_tokens=64, sequences=4, cells=64, shared=True)
    decoder = Toy(batch_tokens=8, rows=4)
    scorer = Scorer(decoder, limits)
    first = scorer.score(window(1, 2), lambda _: None)
    assert (first[2], decoder.evaluated) == (5, 5)
    again = scorer.score(window(1, 2), lambda _: None)
    assert (again[2], decoder.evaluated) == (5, 7)  # without the three that are there already
    assert [part.tolist() for part in again[0]] == [part.tolist() for part in first[0]]
    scorer.forget()
    scorer.score(window(1, 2), lambda _: None)
    assert decoder.evaluated == 12


@given(window=windows, batch_tokens=st.integers(1, 9), rows=st.integers(1, 4))
def test_plain_scoring_is_each_alone(window, batch_tokens, rows):
    decoder = Toy(batch_tokens=batch_tokens, rows=rows)
    nats, greedy, evaluated = score_plain(decoder, window, lambda _: None)
    for item, item_nats, item_greedy in zip(window, nats, greedy, strict=True):
        expected = [alone(scoring) for scoring in item]
        assert list(item_nats) == pytest.approx([n for n, _ in expected], abs=1e-5)
        assert list(item_greedy) == [g for _, g in expected]
    assert evaluated == sum(len(s.read) for item in window for s in item)
