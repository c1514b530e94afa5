"""The plan, carried out by a cache made of lists."""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.engine.encoding import Scoring
from runners.engine.plan import Limits, Segment, plan

ROOMY = Limits(wave_tokens=512, sequences=64, cells=4096, shared=True)


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
        return tuple(map(self.tokens.__getitem__, self.sequences.get(sequence, [])))

    def copy(self, source: int, target: int) -> None:
        assert not self.text(target), "a copy would add to what another item left"
        self.sequences[target] = list(self.sequences[source])
        self.check()

    def drop(self, sequence: int) -> None:
        del self.sequences[sequence]

    def add(self, sequences: range, position: int, token: int) -> None:
        self.tokens.append(token)
        for sequence in sequences:
            cells = self.sequences.setdefault(sequence, [])
            assert position == len(cells), "positions follow each other"
            cells.append(len(self.tokens) - 1)
        self.check()

    def check(self) -> None:
        assert self.used <= self.limits.cells
        assert len(self.sequences) <= self.limits.sequences
        assert all(0 <= sequence < self.limits.sequences for sequence in self.sequences)


def run(scorings: Sequence[Scoring], limits: Limits) -> tuple[Counter, int]:
    """Carry out a plan: how often each (scoring, position) was read, each from its own text, and
    how many tokens were evaluated.
    """
    read: Counter[tuple[int, int]] = Counter()
    cache = Cache(limits)
    laid_out = plan(scorings, limits)
    for position, token in enumerate(laid_out.preamble):
        cache.add(range(1), position, token)
    for wave in laid_out.waves:
        for stage in wave:
            for source, target in stage.copies:
                cache.copy(source, target)
            for segment in stage.segments:
                assert segment.tokens
                run_segment(cache, segment, scorings, read)
            for sequence in stage.drops:
                cache.drop(sequence)
    # What the next window may find.
    assert cache.text(0) == laid_out.preamble
    assert {s for s, cells in cache.sequences.items() if cells} <= {0}
    return read, len(cache.tokens)


def run_segment(cache: Cache, segment: Segment, scorings: Sequence[Scoring], read: Counter) -> None:
    wanted = dict(segment.wanted)
    assert list(wanted) == sorted(wanted)
    assert set(wanted) <= set(range(len(segment.tokens)))
    assert segment.count == 1 or cache.limits.shared
    sequences = range(segment.first, segment.first + segment.count)
    for offset, token in enumerate(segment.tokens):
        position = segment.start + offset
        cache.add(sequences, position, token)
        for index, target in wanted.get(offset, ()):
            tokens = scorings[index].tokens
            assert all(cache.text(s) == tokens[: position + 1] for s in sequences)
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
letters = st.text("ab", min_size=1, max_size=6)
scorings_ = st.builds(scoring, st.text("ab", min_size=1, max_size=6), letters)
same_context = st.builds(
    lambda context, ends: [scoring(context, end) for end in ends],
    st.text("ab", min_size=1, max_size=6),
    st.lists(letters, min_size=1, max_size=6),
)
windows = st.lists(st.one_of(same_context, st.lists(scorings_, max_size=6)), max_size=8)


@st.composite
def windows_and_limits(draw, *, least=2):
    window = [scoring for item in draw(windows) for scoring in item]
    longest = max((len(s.read) for s in window), default=1)
    limits = Limits(
        wave_tokens=draw(st.integers(1, 60)),
        sequences=draw(st.integers(least, 24)),
        cells=longest + draw(st.integers(0, 40)),
        shared=draw(st.booleans()),
    )
    return window, limits


def distinct(window: Sequence[Scoring]) -> int:
    """Beginnings of sequences that are different: what must be evaluated at the least."""
    return len({s.read[:n] for s in window for n in range(1, len(s.read) + 1)})


@given(windows_and_limits())
def test_each_wanted_row_is_read_once_from_the_scorings_own_text(case):
    window, limits = case
    read, _ = run(window, limits)
    assert read == wanted(window)


@given(windows_and_limits(least=10))
def test_each_distinct_beginning_is_evaluated_once(case):
    # Forty-eight sequences at most: nested residents take six, and the preamble one.
    window, limits = case
    _, evaluated = run(window, limits)
    assert evaluated == distinct(window)


@given(windows_and_limits(), st.randoms(use_true_random=False))
def test_the_order_of_the_requests_does_not_matter(case, random):
    window, limits = case
    order = list(range(len(window)))
    random.shuffle(order)

    def layout(scorings: Sequence[Scoring], number: Sequence[int]) -> list:
        laid_out = plan(scorings, limits)
        return [
            laid_out.preamble,
            *(
                (
                    stage.copies,
                    stage.drops,
                    [
                        (s.first, s.count, s.start, s.tokens,
                         [(at, sorted((number[i], t) for i, t in ts)) for at, ts in s.wanted])
                        for s in stage.segments
                    ],
                )
                for wave in laid_out.waves
                for stage in wave
            ),
        ]  # fmt: skip

    shuffled = [window[index] for index in order]
    assert layout(shuffled, order) == layout(window, range(len(window)))


def stages(texts: Sequence[tuple[str, str]], **limits) -> tuple[str, list[list[str]]]:
    """The preamble, and of each stage its segments as `sequences:text`."""
    laid_out = plan([scoring(*text) for text in texts], replace(ROOMY, **limits))
    return "".join(map(chr, laid_out.preamble)), [
        [f"{s.first}-{s.first + s.count - 1}:{''.join(map(chr, s.tokens))}" for s in stage.segments]
        for wave in laid_out.waves
        for stage in wave
        if stage.segments
    ]


# The last token of a choice is never read: it is only predicted.
QUESTIONS = [("few-shot. Q1? ", "yes."), ("few-shot. Q1? ", "yet."), ("few-shot. Q2? ", "no.")]


def test_a_few_shot_preamble_and_what_choices_share():
    assert stages(QUESTIONS) == (
        "few-shot. Q",
        [["1-2:1? ye", "1-1:s", "2-2:t", "3-3:2? no"]],
    )


def test_without_shared_tokens_each_level_is_a_stage():
    assert stages(QUESTIONS, shared=False) == (
        "few-shot. Q",
        [["1-1:1? ye", "3-3:2? no"], ["1-1:s", "2-2:t"]],
    )


def test_what_does_not_fit_a_wave_stays_resident():
    # The first question with its two ends has seven tokens; its beginning gets a sequence.
    assert stages(QUESTIONS, wave_tokens=6) == (
        "few-shot. Q",
        [["1-1:2? no"], ["1-1:1? ye"], ["2-2:s", "3-3:t"]],
    )


def test_without_sequences_for_residents_beginnings_are_evaluated_again():
    assert stages(QUESTIONS, sequences=2) == (
        "few-shot. Q",
        [["1-1:1? yes"], ["1-1:1? yet"], ["1-1:2? no"]],
    )


@pytest.mark.slow
def test_a_caterpillar_is_planned_without_recursion():
    window = [scoring("x", "a" * n + "bc") for n in range(1, 300)]  # deeper than calls may go
    limits = Limits(wave_tokens=128, sequences=64, cells=4096, shared=True)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        read, evaluated = run(window, limits)
    finally:
        sys.setrecursionlimit(usual)
    assert read == wanted(window)
    assert evaluated == distinct(window)


def test_nothing_to_read():
    assert stages([]) == ("", [])
