"""Items -> windows -> answers: bounds, order, and arguments read as lm-eval reads them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.models.utils import normalize_gen_kwargs

from evals.errors import SpecError
from evals.tasks.items import Item
from runners.jobs.windows import (
    MAX_BYTES,
    MAX_GENERATIONS,
    MAX_PACKED,
    MAX_REQUESTS,
    Window,
    answers,
    windows,
)
from runners.worker import protocol


def item(number: int, kind: str, *args: tuple[Any, ...], repeats: int | None = 1) -> Item:
    """One document with a request for each of `args`, as lm-eval's Instance carries them."""
    instances = [SimpleNamespace(request_type=kind, args=a, repeats=repeats) for a in args]
    return Item(
        doc_id=number, doc={}, instances=tuple(instances), target=0, identity=str(number),
        chance=None,
    )  # fmt: skip


def choice(number: int, choices: int = 4, size: int = 10) -> Item:
    pairs = [(f"{number}".ljust(size, "c"), f" {n}") for n in range(choices)]
    return item(number, "loglikelihood", *pairs)


def cut(items: list[Item], **options: Any) -> list[Window]:
    return list(windows("t", items, seed=7, **options))


def bounds(items: list[Item]) -> list[tuple[int, int]]:
    return [(w.start, w.stop) for w in cut(items)]


# Bounds.


@given(sizes=st.lists(st.tuples(st.integers(1, 1500), st.integers(0, 2 * 2**20)), max_size=12))
def test_every_item_comes_once_and_in_order(sizes: list[tuple[int, int]]):
    items = [choice(n, 1, size) for n, (_, size) in enumerate(sizes)]
    found = cut(items)
    assert [n for w in found for n in range(w.start, w.stop)] == list(range(len(items)))
    for window in found:
        text = sum(len(i.args[0] + i.args[1]) for it in items[window.start : window.stop]
                   for i in it.instances)  # fmt: skip
        assert text <= MAX_BYTES or window.stop - window.start == 1


def test_at_most_2048_requests():
    assert MAX_REQUESTS == 2048
    # 4 choices an item: 512 items fill a window; 3 do not divide it: 682 items are 2,046 requests.
    assert bounds([choice(n, 4) for n in range(1025)]) == [(0, 512), (512, 1024), (1024, 1025)]
    assert bounds([choice(n, 3) for n in range(683)]) == [(0, 682), (682, 683)]
    # An item is never cut: 3,000 choices are a window of their own.
    assert bounds([choice(0, 3000), choice(1, 1)]) == [(0, 1), (1, 2)]


def test_repeats_are_requests_too():
    items = [item(n, "generate_until", ("q", {"until": []}), repeats=8) for n in range(3)]
    assert bounds(items) == [(0, 2), (2, 3)]
    assert [len(w.question.items) for w in cut(items)] == [16, 8]


def test_at_most_8_mib_of_text():
    assert MAX_BYTES == 8 * 1024 * 1024
    half = 4 * 2**20 - 2  # and two characters of continuation: half of the bound
    assert bounds([choice(n, 1, half) for n in range(3)]) == [(0, 2), (2, 3)]
    assert bounds([choice(0, 1, half), choice(1, 1, half + 1)]) == [(0, 1), (1, 2)]
    # Bytes, not characters: the euro sign takes three of them. 3 * 2^20 of it are 9 MiB.
    euro = [item(n, "loglikelihood", ("€" * (3 * 2**19), " x")) for n in range(2)]
    assert bounds(euro) == [(0, 1), (1, 2)]


def test_half_a_surrogate_pair_is_text():
    (window,) = cut([item(0, "loglikelihood", ("\ud83d", " x"))])
    assert len(window.digest) == 16


def test_packed_generations_come_in_larger_windows():
    ask = [item(n, "generate_until", ("q", {"until": ["."]})) for n in range(100)]
    found = cut(ask, packed=True)
    assert [(w.start, w.stop) for w in found] == [(0, MAX_PACKED), (48, 96), (96, 100)]
    assert all(w.question.packed for w in found)
    assert not any(w.question.packed for w in cut(ask))


def test_no_items_no_windows():
    assert cut([]) == []


def test_a_digest_is_of_all_that_is_asked():
    plain = [choice(n) for n in range(3)]
    (one,) = cut(plain)
    (same,) = cut(plain)
    assert one.digest == same.digest
    others = [
        cut(plain[:2])[0],
        cut(plain[1:])[0],
        next(windows("other", plain, seed=7)),
        cut([*plain[:2], choice(2, size=11)])[0],
    ]
    assert len({one.digest, *(w.digest for w in others)}) == 5
    ask = [item(0, "generate_until", ("q", {"until": ["a"]}))]
    asked = [
        next(windows("t", ask, seed=7)),
        next(windows("t", ask, seed=8)),
        cut([item(0, "generate_until", ("q", {"until": ["b"]}))])[0],
    ]
    assert len({w.digest for w in asked}) == 3


# Questions, and answers back into lm-eval's shape.


def test_choices_share_their_context():
    (window,) = cut([choice(0, 2), item(1, "loglikelihood", ("one", " x"), ("two", " x"))])
    assert window.question == protocol.Score(
        items=[
            protocol.ScoreItem(contexts=["0ccccccccc"], continuations=[(0, " 0"), (0, " 1")]),
            # winogrande: the context differs, the continuation does not
            protocol.ScoreItem(contexts=["one", "two"], continuations=[(0, " x"), (1, " x")]),
        ]
    )


def scored(*logprobs: float, greedy: tuple[bool, ...] = ()) -> protocol.ItemScore:
    return protocol.ItemScore(
        logprobs=list(logprobs),
        greedy=list(greedy or [False] * len(logprobs)),
        tokens=1,
        truncated=False,
    )


def reply(*items: protocol.ItemScore) -> protocol.Scored:
    return protocol.Scored(items=list(items), seconds=0, raw_tokens=0, distinct_tokens=0)


def test_scores_go_back_to_their_choices():
    items = [choice(0, 2), choice(1, 3)]
    (window,) = cut(items)
    got = answers(window, items, reply(scored(-1, -2, greedy=(True, False)), scored(-3, -4, -5)))
    assert got == [
        [[(-1.0, True)], [(-2.0, False)]],
        [[(-3.0, False)], [(-4.0, False)], [(-5.0, False)]],
    ]
    assert {type(greedy) for one in got for ((_, greedy),) in one} == {bool}


def test_an_answer_is_given_once_for_each_repeat():
    items = [item(0, "loglikelihood", ("c", " x"), repeats=3), choice(1, 1)]
    items[1].instances[0].repeats = None
    (window,) = cut(items)
    got = answers(window, items, reply(scored(-1), scored(-2)))
    assert got == [[[(-1.0, False)] * 3], [[(-2.0, False)]]]


def test_rolling_items_have_one_text_and_one_number():
    items = [item(0, "loglikelihood_rolling", ("a long text",))]
    (window,) = cut(items)
    assert window.question == protocol.Score(
        items=[protocol.ScoreItem(contexts=["a long text"], continuations=[], rolling=True)]
    )
    assert answers(window, items, reply(scored(-12.5))) == [[[-12.5]]]


def test_generations_go_back_repeat_by_repeat():
    items = [
        item(0, "generate_until", ("q0", {"until": ["\n"]}), repeats=2),
        item(1, "generate_until", ("q1", {"until": ["\n"]})),
    ]
    (window,) = cut(items)
    assert isinstance(window.question, protocol.Generate)
    # A repeat differs by its seed alone: the suite's, and one more each time.
    assert [(i.prompt, i.seed) for i in window.question.items] == [("q0", 7), ("q0", 8), ("q1", 7)]
    times = protocol.RequestTimes(prefill_s=0, token_s=[0])
    texts = [
        protocol.ItemText(
            text=t, stop="until", prompt_tokens=1, new_tokens=1, times=times, truncated=False
        )
        for t in ("a", "b", "c")
    ]
    assert answers(window, items, protocol.Generated(items=texts)) == [[["a", "b"]], [["c"]]]


def test_windows_after_the_first_answer_their_own_items():
    items = [choice(n, 1024) for n in range(3)]
    _, last = cut(items)
    (got,) = answers(last, items, reply(scored(*map(float, range(1024)))))
    assert got[5] == [(5.0, False)]


# Generation arguments.


def asked(**arguments: Any) -> protocol.GenerateItem:
    (window,) = cut([item(0, "generate_until", ("q", arguments))])
    assert isinstance(window.question, protocol.Generate)
    return window.question.items[0]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"until": "stop"},
        {"until": ["a", "b"]},
        {"until": []},
        {"max_gen_toks": 5},
        {"max_new_tokens": 6},
        {"max_tokens": 7},
        {"max_completion_tokens": 8},
        {"max_gen_toks": 5, "max_new_tokens": 6},
        {"max_completion_tokens": 8, "max_tokens": 7},
        {"max_gen_toks": None, "max_tokens": 7},
        {"max_gen_toks": "9"},
        {"temperature": 0},
        {"temperature": 0.0},
        {"temperature": 0.7},
        {"temperature": "0.7"},
        {"temperature": -1.0},
        {"do_sample": False},
        {"do_sample": False, "temperature": 0.7},
        {"do_sample": False, "temperature": 0.0},
        {"do_sample": True, "temperature": 0.7},
        {"do_sample": True, "temperature": 0.0},
        {"do_sample": None, "temperature": 0.7},
        {"do_sample": None},
        {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 40},
    ],
)
def test_arguments_are_read_as_lm_eval_reads_them(arguments: dict[str, Any]):
    theirs = normalize_gen_kwargs(arguments)
    ours = asked(**arguments)
    assert ours.until == theirs["until"]
    assert ours.max_tokens == theirs["max_gen_toks"]
    # A worker samples at a temperature above 0; they say it with two arguments.
    sampled = theirs["do_sample"] and float(theirs["temperature"]) > 0
    assert ours.temperature == (float(theirs["temperature"]) if sampled else 0.0)
    assert ours.top_p == theirs.get("top_p", 1.0)
    assert ours.top_k == theirs.get("top_k", 0)


def test_sampling_without_a_temperature_samples_at_1_as_transformers_does():
    assert asked(do_sample=True).temperature == 1.0
    assert asked(do_sample=True, temperature=None).temperature == 1.0
    assert asked(temperature=None).temperature == 0.0


def test_a_key_without_a_value_is_its_default():
    one = asked(until=None, top_k=None, top_p=None)
    assert (one.until, one.top_k, one.top_p) == ([], 0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_gen_toks": 0}, "generation_kwargs: max_gen_toks is 0; it must be at least 1"),
        ({"max_tokens": -3}, "max_tokens is -3"),
        ({"max_gen_toks": "many"}, 'task "t": generation_kwargs: .*many'),
        ({"temperature": "hot"}, 'task "t": generation_kwargs: .*hot'),
        ({"top_p": []}, 'task "t": generation_kwargs: '),
        ({"until": 5}, 'task "t": generation_kwargs: '),
    ],
)
def test_arguments_that_mean_nothing(arguments: dict[str, Any], says: str):
    with pytest.raises(SpecError, match=says):
        asked(**arguments)


def test_a_kill_loses_sixteen_generations_at_most():
    # Each starts from an empty cache, so that nothing is gained by more: 40 = 16 + 16 + 8.
    assert MAX_GENERATIONS == 16
    items = [item(n, "generate_until", (f"q{n}", {"until": ["."]})) for n in range(40)]
    assert bounds(items) == [(0, 16), (16, 32), (32, 40)]


def test_a_window_ends_where_a_stage_does():
    # Later stages leave the windows before them as they were, so that the journal still has them.
    items = [item(n, "generate_until", (f"q{n}", {"until": ["."]})) for n in range(40)]
    two = [(w.start, w.stop) for w in windows("t", items[:20], seed=1, ends=(2, 20))]
    three = [(w.start, w.stop) for w in windows("t", items, seed=1, ends=(2, 20, 40))]
    assert two == [(0, 2), (2, 18), (18, 20)]
    assert three == [*two, (20, 36), (36, 40)]
