"""The arithmetic of the benchmarks, by hand; their times are nobody's business here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("llama_cpp")

from benchmarks.limit_side import distinct
from benchmarks.questions import Questions
from benchmarks.report import agree, as_json, compare, markdown
from benchmarks.sides import Run
from runners.engine.encoding import Scoring


def scoring(tokens: str, first: int) -> Scoring:
    return Scoring(tokens=tuple(map(ord, tokens)), first=first, truncated=False)


def test_what_sequences_share_is_counted_once():
    # Read: abc (of abcX), abd (of abdX), abc (of abcY, scored from b on).
    # Nodes: a, ab, abc, abd; logits are needed after abc and abd, and after a and ab.
    work = distinct([scoring("abcX", 3), scoring("abdX", 3), scoring("abcY", 1)])
    assert "".join(map(chr, work.tokens)) == "abcd"
    assert work.rows == 4
    assert work.preamble == 0  # the row after a is needed


def test_what_all_begin_with_is_the_preamble():
    work = distinct([scoring("abcdX", 4), scoring("abdX", 3), scoring("abcX", 3)])
    assert "".join(map(chr, work.tokens)) == "abcdd"
    assert (work.preamble, work.rows) == (2, 3)
    assert distinct([scoring("abcX", 3)]).preamble == 2


@given(
    st.lists(
        st.text("ab", min_size=1, max_size=6).flatmap(
            lambda text: st.builds(scoring, st.just(text), st.integers(1, len(text)))
        ),
        max_size=8,
    )
)
def test_distinct_work_is_a_set_of_prefixes(scorings):
    prefixes = {s.read[:end] for s in scorings for end in range(1, len(s.read) + 1)}
    needed = {s.read[:end] for s in scorings for end in range(s.first, len(s.read) + 1)}
    work = distinct(scorings)
    assert (len(work.tokens), work.rows) == (len(prefixes), len(needed))
    begin = {s.read[: work.preamble] for s in scorings}
    assert len(begin) <= 1
    assert all(len(one) > work.preamble for one in needed)


def questions(*choices: int) -> Questions:
    """Items of one task with so many choices each."""
    items = tuple(
        SimpleNamespace(
            instances=[SimpleNamespace(args=(f"context {item}", f" {c}")) for c in range(count)]
        )
        for item, count in enumerate(choices)
    )
    return Questions(name="a task", parts=(("task", items),))


def run(*logprobs: float, seconds: float = 1.0) -> Run:
    return Run(seconds=seconds, logprobs=logprobs)


def test_agreement_by_hand():
    # The first item's choice is 1 on both sides; the second's 0 and 1. Differences .5 1 .25 2.
    found = agree("them", questions(2, 2), run(-3, -1, -2, -4), run(-3.5, -2, -2.25, -2))
    assert (found.items, found.same_choice) == (2, 0.5)
    assert (found.requests, found.largest_difference, found.tokenised_otherwise) == (4, 2.0, 0)


def test_requests_that_are_cut_otherwise_are_left_out():
    # The last request's difference of 2 is not counted, nor is its item's choice.
    found = agree(
        "them", questions(2, 2), run(-3, -1, -2, -4), run(-3.5, -2, -2.25, -2),
        otherwise={("context 1", " 1")},
    )  # fmt: skip
    assert (found.items, found.same_choice) == (1, 1.0)
    assert (found.requests, found.largest_difference, found.tokenised_otherwise) == (3, 1.0, 1)
    everything = set(questions(1).requests)
    nothing = agree("them", questions(1), run(-1), run(-2), otherwise=everything)
    assert (nothing.same_choice, nothing.largest_difference) == (None, None)


def test_times_are_medians_an_item():
    # Ours: the median of 1, 9 and 2 s over 4 items; theirs: 10 s over 2 items; 5 / 0.5 = 10.
    mine = [run(seconds=s) for s in (1.0, 9.0, 2.0)]
    row = compare("them", "a task", mine, [run(seconds=10.0)], items=(4, 2), target=7.0)
    assert (row.ours_s, row.theirs_s, row.ratio, row.target) == (0.5, 5.0, 10.0, 7.0)


def test_tables_are_made_of_what_json_says():
    row = compare("them", "a task", [run()], [run(seconds=3.0)], items=(1, 1), target=2.0)
    same = agree("them", questions(2), run(-1, -2), run(-1, -2.5))
    grown = [
        {"items": 9, "ours_s": None, "tiny_s": 4e-3, "planner_s": 2e-3,
         "planner_peak_bytes": 3 * 2**20}
    ]  # fmt: skip
    text = markdown(as_json([row], [same], growth=grown))
    assert "| them | a task | 1.0000 | 3.0000 | 3.00 | 2 |" in text
    assert "| them | a task | 1 | 100.0% | 2 | 0 | 0.500 |" in text
    assert "| 9 | - | 4.00 | 2.00 | 3.0 |" in text


def test_the_first_items_and_those_after_them():
    table = Questions(
        name="two tasks",
        parts=(("a", questions(1, 2).items), ("b", questions(3).items)),
    )
    counts = lambda part: [len(item.instances) for item in part.items]  # noqa: E731
    assert counts(table.first(2)) == [1, 2]
    assert counts(table.first(2, start=1)) == [2, 3]
    assert counts(table.first(2, start=9)) == [2, 3]
    assert [name for name, _ in table.first(2, start=1).parts] == ["a", "b"]
    assert table.by_item([0.0] * 6) == [[0.0], [0.0] * 2, [0.0] * 3]
