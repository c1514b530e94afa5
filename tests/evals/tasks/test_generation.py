"""Generation arguments are honoured, or refused before anything runs; none is left out unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from evals.errors import SpecError
from evals.tasks.generation import HONOURED, WITHOUT_EFFECT, read_generation


def test_what_is_honoured():
    found = read_generation("t", {
        "until": ["a"], "max_gen_toks": 7, "do_sample": True, "temperature": "0.5", "top_k": 3,
        "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.2,
    })  # fmt: skip
    assert (found.until, found.max_tokens, found.temperature) == (("a",), 7, 0.5)
    assert (found.top_k, found.top_p, found.min_p) == (3, 0.9, 0.1)
    assert found.repetition_penalty == 1.2


def test_nothing_given_is_greedy():
    found = read_generation("t", {})
    assert (found.until, found.max_tokens, found.temperature) == ((), 256, 0.0)
    assert (found.top_k, found.top_p, found.min_p, found.repetition_penalty) == (0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_what_changes_no_token_may_be_written(name: str):
    for value in WITHOUT_EFFECT[name]:
        assert read_generation("t", {name: value}) == read_generation("t", {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_beams": 4}, "num_beams is 4; Weighin does not do that (only 1)"),
        ({"early_stopping": True}, "early_stopping is True; Weighin does not do that (only False)"),
        ({"no_repeat_ngram_size": 2}, "no_repeat_ngram_size is 2"),
        ({"max_length": 9}, "max_length is not known here"),
        ({"temperatur": 1}, 'temperatur is not known here (did you mean "temperature"?)'),
        ({"min_p": 2}, "min_p is 2; it must be between 0 and 1"),
        ({"min_p": float("nan")}, "min_p is nan"),
        ({"repetition_penalty": 0}, "repetition_penalty is 0; it must be above 0"),
    ],
)
def test_the_rest_is_refused(arguments: dict[str, Any], said: str):
    with pytest.raises(SpecError) as caught:
        read_generation("t", arguments)
    assert str(caught.value).startswith(f'task "t": generation_kwargs: {said}')


def test_every_argument_of_transformers_is_honoured_refused_or_moot():
    transformers = pytest.importorskip("transformers")
    for name in transformers.GenerationConfig().to_dict():
        if name in HONOURED:
            continue
        with pytest.raises(SpecError, match=name):
            read_generation("t", {name: object()})
