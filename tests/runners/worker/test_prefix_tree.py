"""The plan, carried out by a cache made of lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.worker.encoding import Scoring
from runners.worker.prefix_tree import Limits, Segment, Stage, Wave, distinct_tokens, plan

ROOMY = Limits(wave_tokens=512, sequences=64, cells=4096)


@dataclass
class Cache:
    """What llama.cpp's unified cache does: cells that several sequences may share."""

    limits: Limits
    sequences: dict[int, list[int]] = field(default_factory=dict)
    """Sequence -> its cells, in the order of their positions."""
    tokens: list[int] = field(default_factory=list)
    """Cell -> its token; cells are never used again, `used` counts those that are referred to."""

    @property
    def used(self) -> int:
        return len({cell for cells in self.sequences.values() for cell in cells})

    def text(self, sequence: int) -> tuple[int, ...]:
        return tuple(self.tokens[cell] for cell in self.sequences.get(sequence, []))

    def copy(self, source: int, target: int) -> None:
        assert not self.text(target), "a copy would add to what another item left"
        self.sequences[target] = list(self.sequences[source])
        self.check()

    def drop(self, sequence: int) -> None:
        del self.sequences[sequence]

    def add(self, sequence: int, position: int, token: int) -> None:
        cells = self.sequences.setdefault(sequence, [])
        assert position == len(cells), "positions follow each other"
        self.tokens.append(token)
        cells.append(len(self.tokens) - 1)
        self.check()

    def check(self) -> None:
        assert self.used <= self.limits.cells
        assert len(self.sequences) <= self.limits.sequences
        assert all(0 <= sequence < self.limits.sequences for sequence in self.sequences)


def run(waves: Sequence[Wave], scorings: Sequence[Scoring], limits: Limits) -> Counter:
    """Carry out a plan; how often each (scoring, position) was read, each from its own text."""
    read: Counter[tuple[int, int]] = Counter()
    for wave in waves:
        cache = Cache(limits)
        for stage in wave:
            for source, target in stage.copies:
                cache.copy(source, target)
            for segment in stage.segments:
                run_segment(cache, segment, scorings, read)
            for sequence in stage.drops:
                cache.drop(sequence)
    return read


def run_segment(cache: Cache, segment: Segment, scorings: Sequence[Scoring], read: Counter) -> None:
    wanted = dict(segment.wanted)
    assert list(wanted) == sorted(wanted)
    assert set(wanted) <= set(range(len(segment.tokens)))
    for offset, token in enumerate(segment.tokens):
        position = segment.start + offset
        cache.add(segment.sequence, position, token)
        for index, target in wanted.get(offset, ()):
            tokens = scorings[index].tokens
            assert cache.text(segment.sequence) == tokens[: position + 1]
            assert target == tokens[position + 1]
            read[index, position] += 1


def wanted(scorings: Sequence[Scoring]) -> Counter:
    return Counter(
        (index, position)
        for index, scoring in enumerate(scorings)
        for position in range(scoring.first - 1, len(scoring.tokens) - 1)
    )


def scoring(context: str, continuation: str) -> Scoring:
    """A letter is a token."""
    tokens = tuple(map(ord, context + continuation))
    return Scoring(tokens=tokens, first=len(context), truncated=False)


# Two letters only, so that sequences share beginnings, are equal, or begin one another.
letters = st.text("ab", max_size=6)
scorings_ = st.builds(scoring, st.text("ab", min_size=1, max_size=6), letters)
same_context = st.builds(
    lambda context, ends: [scoring(context, end) for end in ends],
    st.text("ab", min_size=1, max_size=6),
    st.lists(letters, min_size=1, max_size=6),
)
windows = st.lists(st.one_of(same_context, st.lists(scorings_, max_size=6)), max_size=8)


@st.composite
def windows_and_limits(draw):
    window = draw(windows)
    longest = max((len(s.read) for item in window for s in item), default=1)
    limits = Limits(
        wave_tokens=draw(st.integers(1, 60)),
        sequences=draw(st.integers(2, 12)),
        cells=longest + draw(st.integers(0, 40)),
    )
    return window, limits


@given(windows_and_limits())
def test_each_wanted_row_is_read_once_from_the_scorings_own_text(case):
    window, limits = case
    flat = [s for item in window for s in item]

    waves = list(plan(window, limits))

    assert run(waves, flat, limits) == wanted(flat)
    assert list(plan(window, limits)) == waves  # the same window is laid out in the same cells


@given(windows_and_limits())
def test_nothing_is_evaluated_twice(case):
    window, limits = case
    waves = list(plan(window, limits))
    # Of each item: its trunk once, and each distinct sequence from where the trunk ends.
    expected = 0
    for item in window:
        reads = {s.read for s in item if s.read}
        shared = 0
        while (
            reads and len({r[: shared + 1] for r in reads}) == 1 and shared < min(map(len, reads))
        ):
            shared += 1
        expected += shared + sum(len(r) - shared for r in reads)
    assert distinct_tokens(waves) == expected
    assert all(stage.segments for wave in waves for stage in wave)
    assert all(segment.tokens for wave in waves for stage in wave for segment in stage.segments)


@given(windows_and_limits())
def test_a_wave_of_several_items_keeps_to_the_wave_tokens(case):
    window, limits = case
    item_of = [number for number, item in enumerate(window) for _ in item]
    for wave in plan(window, limits):
        items = {
            item_of[index]
            for stage in wave
            for segment in stage.segments
            for _, targets in segment.wanted
            for index, _ in targets
        }
        if len(items) > 1:
            assert distinct_tokens([wave]) <= limits.wave_tokens


def only_wave(item: Sequence[Scoring], limits: Limits = ROOMY) -> Wave:
    (wave,) = plan([item], limits)
    assert run([wave], item, limits) == wanted(item)
    return wave


def test_choices_of_one_token_have_no_branches():
    # "Q: x" + A/B/C: only the context is read, its last row serves all three.
    wave = only_wave([scoring("Qx", choice) for choice in "ABC"])
    targets = ((0, ord("A")), (1, ord("B")), (2, ord("C")))
    assert wave == (
        Stage(
            segments=(
                Segment(sequence=0, start=0, tokens=(ord("Q"), ord("x")), wanted=((1, targets),)),
            )
        ),
    )


def test_the_first_branch_goes_on_in_the_trunk():
    # Read: Q1a and Q2b, last tokens only predicted; the trunk is Q, two branches "1" and "2".
    wave = only_wave([scoring("Q", "1a"), scoring("Q", "2b")])
    trunk, branches = wave
    assert trunk.segments == (
        Segment(
            sequence=0, start=0, tokens=(ord("Q"),), wanted=((0, ((0, ord("1")), (1, ord("2")))),)
        ),
    )
    assert branches == Stage(
        copies=((0, 1),),
        segments=(
            Segment(sequence=0, start=1, tokens=(ord("1"),), wanted=((0, ((0, ord("a")),)),)),
            Segment(sequence=1, start=1, tokens=(ord("2"),), wanted=((0, ((1, ord("b")),)),)),
        ),
    )


def test_identical_choices_are_evaluated_once():
    wave = only_wave([scoring("Q", "abc"), scoring("Q", "abc")])
    assert distinct_tokens([wave]) == 3  # Q a b; c is predicted only
    assert len(wave) == 1


def test_a_choice_that_begins_another():
    wave = only_wave([scoring("Q", "ab"), scoring("Q", "abcd")])
    # Q a is the trunk and all that the first reads; b c is the only branch, and needs no copy.
    assert [stage.copies for stage in wave] == [(), ()]
    assert distinct_tokens([wave]) == 4


def test_several_contexts_before_one_continuation():
    # WinoGrande's way: nothing is shared, so there is no trunk and nothing to copy.
    wave = only_wave([scoring("A went", " home"), scoring("B went", " home")])
    assert len(wave) == 1
    assert wave[0].copies == ()
    assert [segment.sequence for segment in wave[0].segments] == [0, 1]


def test_an_empty_continuation_takes_no_place():
    assert list(plan([[scoring("Q", "")]], ROOMY)) == []
    # Indices count through it.
    window = [[scoring("Q", "")], [scoring("Q", "a")]]
    (wave,) = plan(window, ROOMY)
    assert run([wave], [window[0][0], window[1][0]], ROOMY) == {(1, 0): 1}
    assert list(plan([], ROOMY)) == list(plan([[]], ROOMY)) == []


def test_forty_choices_in_one_wave():
    item = [scoring("Question", f" answer {number:02}") for number in range(40)]
    wave = only_wave(item)
    # The trunk is "Question answer "; what is read of an answer's number is its first digit, 0-3.
    assert len(wave[0].segments[0].tokens) == len("Question answer ")
    assert len(wave[1].segments) == 4
    assert len(wave[1].copies) == 3


def test_more_branches_than_sequences_go_in_parts():
    limits = Limits(wave_tokens=512, sequences=4, cells=100)
    wave = only_wave([scoring("Q", f"{letter}.") for letter in "abcdefgh"], limits)
    # The trunk keeps sequence 0, so three branches at a time: 3 + 3 + 2.
    assert [len(stage.segments) for stage in wave] == [1, 3, 3, 2]
    assert [stage.drops for stage in wave] == [(), (1, 2, 3), (1, 2, 3), (1, 2)]


@pytest.mark.parametrize("context", ["Q" * 10, "Q"])
def test_an_item_larger_than_the_cells_goes_in_parts(context):
    limits = Limits(wave_tokens=8, sequences=64, cells=20)
    item = [scoring(context, letter * 9) for letter in "abcdef"]
    wave = only_wave(item, limits)
    # Of each branch 8 tokens are read. Beside a trunk of 10 one fits (18 of 20), beside one of 1
    # two (17 of 20).
    per_stage = (20 - len(context)) // 8
    assert [len(stage.segments) for stage in wave[1:]] == [per_stage] * (6 // per_stage)


def test_an_item_in_parts_ends_the_wave_before_it():
    limits = Limits(wave_tokens=20, sequences=8, cells=20)
    small = [scoring("s", "a"), scoring("s", "b")]
    large = [scoring("L" * 10, letter * 9) for letter in "abc"]
    waves = list(plan([small, large, small], limits))
    assert [distinct_tokens([wave]) for wave in waves] == [1, 10 + 3 * 8, 1]
