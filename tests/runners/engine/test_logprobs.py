"""Against a float64 log-softmax, and samplers against what they must never do."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from runners.engine.logprobs import ROWS_AT_ONCE, Sampler, target_logprobs
from runners.worker.runtime import WorkerError


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def lookup(logits: np.ndarray, pairs: list[tuple[int, int]]) -> tuple[list[float], list[bool]]:
    wanted = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    nats, greedy = target_logprobs(logits, wanted[:, 0], wanted[:, 1])
    return nats.tolist(), greedy.tolist()


@st.composite
def logits_and_pairs(draw):
    # More rows than are exponentiated at a time, at least sometimes.
    shape = (draw(st.integers(1, 2 * ROWS_AT_ONCE + 1)), draw(st.integers(1, 9)))
    # Whole halves, so that ties are common, from -80 to 80.
    halves = draw(arrays.arrays(np.int16, shape, elements=st.integers(-160, 160)))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)), max_size=9)
    )
    return halves.astype(np.float32) / 2, pairs


@given(logits_and_pairs())
def test_equals_a_log_softmax_in_float64(case):
    logits, pairs = case
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    exact -= np.log(np.exp(exact).sum(axis=1, keepdims=True))

    nats, greedy = lookup(logits, pairs)

    assert nats == pytest.approx([exact[pair] for pair in pairs], abs=1e-5)
    # Greedy decoding takes the first of several equal maxima.
    assert greedy == [int(exact[row].argmax()) == target for row, target in pairs]


def test_by_hand():
    # e^0 + e^0 + e^ln2 = 4, so the probabilities are 1/4, 1/4, 1/2.
    nats, greedy = lookup(rows([0, 0, math.log(2)]), [(0, 0), (0, 2), (0, 2)])
    assert nats == pytest.approx([-math.log(4), -math.log(2), -math.log(2)])
    assert greedy == [False, True, True]


def test_of_equal_logits_the_first_is_greedy():
    nats, greedy = lookup(rows([1, 3, 3]), [(0, 1), (0, 2)])
    assert greedy == [True, False]
    assert nats[0] == nats[1]


def test_extreme_logits_neither_overflow_nor_vanish():
    logits = rows([1e30, -1e30, 0], [-1e4, -1e4, -1e4], [-np.inf, 0, -np.inf])
    nats, greedy = lookup(logits, [(0, 0), (0, 1), (1, 2), (2, 1), (2, 0)])
    # In float32 1e30 is not exact, its double is; a third of three equal ones; masked is -inf.
    assert nats == pytest.approx([0, -2e30, -math.log(3), 0, -math.inf])
    assert greedy == [True, False, False, True, False]


def test_a_large_vocabulary():
    # 150,000 equal logits: -ln(150000).
    nats, _ = lookup(np.zeros((1, 150_000), dtype=np.float32), [(0, 7)])
    assert nats == pytest.approx([-math.log(150_000)], rel=1e-12)


def test_no_rows():
    assert lookup(np.empty((0, 5), dtype=np.float32), []) == ([], [])


def drawn(logits: list[float], *, seed: int = 0, n: int = 2000, **how: float) -> Counter[int]:
    sampler = Sampler(seed=seed, **{"temperature": 1.0, **how})
    row = np.array(logits, dtype=np.float32)
    return Counter(sampler(row) for _ in range(n))


# Probabilities 0.1, 0.2, 0.3 and 0.4.
TENTHS = [math.log(p) for p in (0.1, 0.2, 0.3, 0.4)]


def test_temperature_zero_is_greedy_and_draws_nothing():
    row = np.array([0, 2, 2, 1], dtype=np.float32)
    assert Sampler()(row) == 1


def test_temperature_one_draws_from_the_softmax():
    counts = drawn(TENTHS)
    # Standard error of a share of 0.4 in 2,000: 0.011; four of them.
    assert [counts[t] / 2000 for t in range(4)] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.045)


def test_temperature_sharpens_and_flattens():
    # At 1/2 the weights are squared: 1, 4, 9, 16 of 30. At 1000 all are nearly equal.
    sharp, flat = drawn(TENTHS, temperature=0.5), drawn(TENTHS, temperature=1000)
    assert [sharp[t] / 2000 for t in range(4)] == pytest.approx(
        [1 / 30, 4 / 30, 9 / 30, 16 / 30], abs=0.045
    )
    assert [flat[t] / 2000 for t in range(4)] == pytest.approx([0.25] * 4, abs=0.045)


@pytest.mark.parametrize("temperature", [1e-3, 1e-300, 5e-324])
def test_a_temperature_near_zero_is_greedy(temperature):
    assert drawn([3, 1e4, -1e4, 9.9e3], temperature=temperature, n=20) == {1: 20}


@pytest.mark.parametrize(("top_k", "left"), [(1, {3}), (2, {2, 3}), (99, {0, 1, 2, 3})])
def test_top_k_keeps_the_most_likely(top_k, left):
    assert set(drawn(TENTHS, top_k=top_k)) == left


@pytest.mark.parametrize(
    ("top_p", "left"),
    # The smallest number of tokens whose probabilities reach it: 0.4, 0.7, 0.9, 1.0.
    [(0.0, {3}), (0.39, {3}), (0.41, {2, 3}), (0.71, {1, 2, 3}), (0.95, {0, 1, 2, 3})],
)
def test_top_p_keeps_the_smallest_set_that_reaches_it(top_p, left):
    assert set(drawn(TENTHS, top_p=top_p)) == left


def test_top_k_comes_before_top_p():
    # Of the two that top_k leaves, 3/7 and 4/7, the larger alone reaches 0.5; of all it would not.
    assert set(drawn(TENTHS, top_k=2, top_p=0.5)) == {3}
    assert set(drawn(TENTHS, top_p=0.5)) == {2, 3}


def test_of_equal_logits_top_k_keeps_the_first():
    assert set(drawn([5] * 100, top_k=2)) == {0, 1}


def test_min_p_keeps_what_is_likely_beside_the_likeliest():
    # Shares of the likeliest (0.4): 0.25, 0.5, 0.75, 1.
    assert set(drawn(TENTHS, min_p=0.6)) == {2, 3}
    assert set(drawn(TENTHS, min_p=0.25 + 1e-6)) == {1, 2, 3}
    assert set(drawn(TENTHS, min_p=1.0)) == {3}
    # The bound moves with the temperature: at 2 they are the roots, 0.5, 0.71, 0.87, 1.
    assert set(drawn(TENTHS, min_p=0.6, temperature=2.0)) == {1, 2, 3}


def test_a_repeated_token_is_penalised_as_transformers_does():
    # 4 / 2 = 2 < 3; then 3 / 2 = 1.5 < 2; then 2 is the largest left.
    sampler = Sampler(repetition_penalty=2.0, seen=[0])
    row = np.array([4, 3, -1], dtype=np.float32)
    assert [sampler(row) for _ in range(3)] == [1, 0, 0]
    # Negative logits are multiplied: -1 becomes -2, below -1.5.
    assert Sampler(repetition_penalty=2.0, seen=[0])(rows([-1, -1.5])[0]) == 1
    assert row.tolist() == [4, 3, -1]


def test_masked_tokens_are_never_drawn():
    assert set(drawn([-math.inf, 0, 0])) == {1, 2}


def test_the_seed_decides():
    row, how = np.zeros(1000, dtype=np.float32), {"temperature": 1.0, "top_k": 0, "top_p": 0.9}

    def line(seed: int) -> list[int]:
        sampler = Sampler(seed=seed, **how)
        return [sampler(row) for _ in range(20)]

    assert line(1) == line(1)
    assert line(1) != line(2)


@pytest.mark.parametrize("odd", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_that_holds_no_probabilities_is_refused(odd: float, temperature: float):
    with pytest.raises(WorkerError, match="logits are not numbers"):
        Sampler(temperature=temperature)(rows([0, odd, 1])[0])
    with pytest.raises(WorkerError, match="logits are not numbers"):
        lookup(rows([0, 1, 2], [0, odd, 1]), [(0, 0)])  # the odd row is not even asked for


def test_a_row_of_masked_tokens_alone_is_refused():
    with pytest.raises(WorkerError, match="the largest is -inf"):
        Sampler()(rows([-math.inf, -math.inf])[0])
