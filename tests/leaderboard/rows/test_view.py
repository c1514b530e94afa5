"""The view and its address: nothing is lost on the way, and nothing wrong gets through."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.abilities import NAME as ABILITY
from evals.abilities import TITLES
from leaderboard.choose.limits import Limits
from leaderboard.choose.view_limits import limits
from leaderboard.rows.address import MOST_TEXT, known_keys, read_query, write_query
from leaderboard.rows.metrics import axes, limited
from leaderboard.rows.view import PREFERENCES, View

KNOWN = ", ".join(TITLES)
NUMBERS = {limit.address: min(limit.most, 1e9) for _, limit in limited()}
MOST = {
    "margin_points": 100.0,
    "perplexity_percent": 1000.0,
    "headroom_percent": 90.0,
    "repeats": 100.0,
}
NAMES = (
    "licences", "families", "architectures", "runtimes", "classes", "columns", "candidates", "pins",
    "builds", "sides", "measured",
)  # fmt: skip
texts = st.text(max_size=MOST_TEXT)
some = st.text(min_size=1, max_size=MOST_TEXT)


def number(most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0, most)


def names() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(some, max_size=4, unique=True).map(tuple)


weights = st.dictionaries(some.filter(bool), st.floats(0, 100), max_size=4).map(
    lambda found: tuple((name[:400], weight) for name, weight in found.items())
)
of_abilities = st.dictionaries(
    st.from_regex(ABILITY, fullmatch=True), st.floats(0, 100), max_size=4
)
unique_weights = weights.map(lambda found: tuple(dict(found).items()))


@st.composite
def views(draw: st.DrawFn) -> View:
    chosen: dict[str, Any] = {}
    for field in fields(View):
        if field.name == "limits":
            drawn = {m.key: draw(number(NUMBERS[limit.address])) for m, limit in limited()}
            chosen["limits"] = tuple((key, v) for key, v in drawn.items() if v is not None)
        elif field.name in MOST:
            chosen[field.name] = draw(number(MOST[field.name]))
        elif field.name in NAMES:
            chosen[field.name] = draw(names())
        elif field.name == "weights":
            chosen[field.name] = draw(unique_weights)
        elif field.name in ("ability_weights", "ability_limits"):
            chosen[field.name] = tuple(draw(of_abilities).items())
        elif field.name == "prefer":
            chosen[field.name] = draw(st.sampled_from(PREFERENCES))
        elif field.name == "x":
            chosen[field.name] = draw(st.sampled_from(axes()))
        else:
            chosen[field.name] = draw(texts)
    return View(**chosen)


@given(views())
def test_a_view_comes_back_from_its_address(view: View):
    assert read_query(write_query(view)) == (view, ())


@given(st.dictionaries(st.text(), st.lists(st.text(), min_size=1, max_size=3)))
def test_any_address_gives_a_view_and_a_reason_for_each_key_it_leaves_out(
    query: dict[str, list[str]],
):
    view, problems = read_query(query)
    assert read_query(write_query(view)) == (view, ())
    unknown = [key for key in query if key not in known_keys()]
    assert len(problems) >= len([key for key in unknown if not key.startswith("embed")])


def test_the_default_has_an_empty_address():
    assert write_query(View()) == {}


def test_an_address_is_readable():
    view = View(
        limits=(("ttft_tail", 200.5), ("memory", 300.0)),
        weights=(("boolq", 0.5),),
        licences=("MIT", "Gemma"),
    )
    assert write_query(view) == {
        "memory_mib": ["300"],
        "ttft_tail_ms": ["200.5"],
        "licence": ["MIT", "Gemma"],
        "weight": ["boolq:0.5"],
    }


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("memory_mib", ["lots"], 'memory_mib="lots": not a number'),
        ("memory_mib", ["-1"], 'memory_mib="-1": must be 0 or more'),
        ("memory_mib", ["nan"], 'memory_mib="nan": must be 0 or more'),
        ("memory_mib", ["1", "2"], 'memory_mib="1, 2": give it once'),
        ("accuracy_percent", ["101"], 'accuracy_percent="101": must lie between 0 and 100'),
        (
            "x",
            ["money"],
            'x="money": not one of memory, ttft, decode, thought, answer, vram, gpu_buffers, disk',
        ),
        ("weight", ["boolq"], 'weight="boolq": give TASK:WEIGHT, e.g. boolq:0.5'),
        ("weight", ["boolq:x"], 'weight="boolq:x": not a number'),
        ("ability", ["tools"], 'ability="tools": give ABILITY:WEIGHT, e.g. tools:3,code:1'),
        ("min_ability", ["tools:101"], 'min_ability="tools:101": must lie between 0 and 100'),
        ("ability", ["To ols:1"], f'ability="To ols:1": To ols is no ability, e.g. {KNOWN}'),
        ("memory", ["300"], '"memory" is no filter of the board (did you mean "memory_mib"?)'),
        ("search", ["x" * 501], f'search="{"x" * 60}": longer than 500 characters'),
    ],
)
def test_what_is_wrong_is_said_and_counts_as_not_given(key: str, values: list[str], said: str):
    assert read_query({key: values}) == (View(), (said,))


def test_the_rest_of_an_address_with_a_fault_still_counts():
    view, problems = read_query({"memory_mib": ["300"], "bits": ["many"]})
    assert (view, len(problems)) == (View(limits=(("memory", 300.0),)), 1)


def test_limits_are_in_bytes_seconds_and_shares():
    shown = {"memory": 1.0, "decode": 50.0, "ttft_tail": 250.0, "disk": 2.0, "parameters": 4000.0,
             "bits": 4.5, "accuracy": 35.0}  # fmt: skip
    view = View(
        limits=tuple(shown.items()),
        licences=("MIT",),
        families=("a",),
        runtimes=("fake",),
        classes=("32b",),
    )
    stored = {"memory": 2**20, "decode": 50.0, "ttft_tail": 0.25, "disk": 2 * 2**20,
              "parameters": 4e9, "bits": 4.5, "accuracy": 0.35}  # fmt: skip
    assert limits(view) == Limits(
        bounds=stored,
        licences=frozenset({"MIT"}),
        families=frozenset({"a"}),
        runtimes=frozenset({"fake"}),
        classes=frozenset({"32b"}),
    )
    assert limits(View()) == Limits()
