"""Plan a window of items so that what an item's choices share is evaluated once.

Pure: scored token sequences in, a plan out; a runtime executes it. Of each item the longest
common beginning of its sequences is its trunk; what is left of each distinct sequence is a
branch. A wave evaluates the trunks of several items together, copies each trunk to its branches
(a copy shares the cells), evaluates the branches together, and leaves an empty cache. A part of
a sequence is never removed, so every architecture can run it. The plan depends on nothing but
its arguments: the same window is laid out in the same cells every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runners.worker.encoding import Scoring

Target = tuple[int, int]
"""(index of the scoring in its window, token id) that a row of logits is read for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one wave may use."""

    wave_tokens: int
    """Tokens of a wave's trunks and branches together; one item may exceed it."""
    sequences: int
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Tokens that follow each other in one sequence, and the rows of logits wanted of them."""

    sequence: int
    start: int
    """Position of the first token."""
    tokens: tuple[int, ...]
    wanted: tuple[tuple[int, tuple[Target, ...]], ...]
    """(offset of the token, what its row is read for), by rising offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Copy sequences, evaluate segments, then drop sequences whole."""

    copies: tuple[tuple[int, int], ...] = ()
    segments: tuple[Segment, ...] = ()
    drops: tuple[int, ...] = ()


Wave = tuple[Stage, ...]
"""Stages that run one after the other, from an empty cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    trunk: tuple[int, ...]
    trunk_wanted: tuple[tuple[int, tuple[Target, ...]], ...]
    branches: tuple[tuple[tuple[int, ...], tuple[tuple[int, tuple[Target, ...]], ...]], ...]

    @property
    def cells(self) -> int:
        return len(self.trunk) + sum(len(tokens) for tokens, _ in self.branches)

    @property
    def sequences(self) -> int:
        return max(1, len(self.branches))


def plan(items: Sequence[Sequence[Scoring]], limits: Limits) -> Iterator[Wave]:
    """Lay out a window.

    Args:
        items: of each item its scorings; a scoring's index counts through the whole window.
        limits: `cells` must hold the longest single sequence; at least two sequences.

    Yields:
        Waves; over all of them each wanted (scoring, position) appears exactly once.
    """
    wave: list[_Item] = []
    first = 0
    for scorings in items:
        item = _split(scorings, first)
        first += len(scorings)
        if not item.cells:
            continue
        if wave and not _fits([*wave, item], limits):
            yield _wave(wave)
            wave = []
        if item.cells > limits.cells or item.sequences > limits.sequences:
            yield _wave_in_parts(item, limits)
        else:
            wave.append(item)
    if wave:
        yield _wave(wave)


def distinct_tokens(waves: Sequence[Wave]) -> int:
    """Tokens that the plan evaluates."""
    return sum(len(s.tokens) for wave in waves for stage in wave for s in stage.segments)


def _fits(items: Sequence[_Item], limits: Limits) -> bool:
    cells = sum(item.cells for item in items)
    return (
        cells <= min(limits.wave_tokens, limits.cells)
        and sum(item.sequences for item in items) <= limits.sequences
    )


def _split(scorings: Sequence[Scoring], first: int) -> _Item:
    reads = list(dict.fromkeys(s.read for s in scorings if s.read))
    shared = _shared(reads)
    trunk = reads[0][:shared] if reads else ()
    trunk_wanted: dict[int, list[Target]] = {}
    branch_wanted: dict[tuple[int, ...], dict[int, list[Target]]] = {}
    for index, scoring in enumerate(scorings, start=first):
        for position in range(scoring.first - 1, len(scoring.read)):
            target = (index, scoring.tokens[position + 1])
            if position < shared:
                trunk_wanted.setdefault(position, []).append(target)
            else:
                rows = branch_wanted.setdefault(scoring.read, {})
                rows.setdefault(position - shared, []).append(target)
    return _Item(
        trunk=trunk,
        trunk_wanted=_sorted(trunk_wanted),
        branches=tuple(
            (read[shared:], _sorted(branch_wanted.get(read, {})))
            for read in reads
            if len(read) > shared
        ),
    )


def _shared(reads: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all sequences begin with: what the smallest and the largest share."""
    if not reads:
        return 0
    low, high = min(reads), max(reads)
    pairs = zip(low, high, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(low), len(high)))


def _sorted(rows: dict[int, list[Target]]) -> tuple[tuple[int, tuple[Target, ...]], ...]:
    return tuple((offset, tuple(targets)) for offset, targets in sorted(rows.items()))


def _wave(items: Sequence[_Item]) -> Wave:
    trunks, branches, copies = [], [], []
    sequence = 0
    for item in items:
        trunk = sequence
        if item.trunk:
            trunks.append(
                Segment(sequence=trunk, start=0, tokens=item.trunk, wanted=item.trunk_wanted)
            )
        for number, (tokens, wanted) in enumerate(item.branches):
            # The first branch goes on in the trunk's own sequence, after the others have a copy.
            if number and item.trunk:
                copies.append((trunk, trunk + number))
            branches.append(
                Segment(
                    sequence=trunk + number, start=len(item.trunk), tokens=tokens, wanted=wanted
                )
            )
        sequence += item.sequences
    stages = [Stage(segments=tuple(trunks))] if trunks else []
    if branches:
        stages.append(Stage(copies=tuple(copies), segments=tuple(branches)))
    return tuple(stages)


def _wave_in_parts(item: _Item, limits: Limits) -> Wave:
    """One item whose branches don't fit at once: as many at a time as do, dropped when done."""
    trunk = Segment(sequence=0, start=0, tokens=item.trunk, wanted=item.trunk_wanted)
    stages = [Stage(segments=(trunk,))] if item.trunk else []
    part: list[Segment] = []
    room = limits.cells - len(item.trunk)
    for tokens, wanted in item.branches:
        used = sum(len(segment.tokens) for segment in part)
        if part and (used + len(tokens) > room or len(part) + 1 >= limits.sequences):
            stages.append(_part(part, copy=bool(item.trunk)))
            part = []
        part.append(
            Segment(sequence=len(part) + 1, start=len(item.trunk), tokens=tokens, wanted=wanted)
        )
    if part:
        stages.append(_part(part, copy=bool(item.trunk)))
    return tuple(stages)


def _part(segments: Sequence[Segment], *, copy: bool) -> Stage:
    sequences = tuple(segment.sequence for segment in segments)
    return Stage(
        copies=tuple((0, s) for s in sequences if copy), segments=tuple(segments), drops=sequences
    )
