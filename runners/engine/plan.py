"""Plan a window of items so that each distinct beginning is evaluated once.

Pure: scored token sequences in, a plan out; a runtime executes it. The sequences are a tree whose
edges are runs of tokens. What all of them begin with, a subject's few-shot preamble say, is the
preamble: it takes the first cells and sequence 0, and may stay there for the next window. Parts
of the tree that fit one wave are evaluated together; what does not fit stays resident, as a
sequence of its own, while its parts come and go. A part of a sequence is never removed, so that
every architecture can run the plan. It depends on nothing but the set of sequences and the
limits: the same requests, in any order, are laid out in the same cells every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runners.engine.encoding import Scoring
from runners.engine.token_tree import Node, Wanted, grow

__all__ = ["Limits", "Plan", "Segment", "Stage", "Wave", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one wave."""

    wave_tokens: int
    """Tokens of one wave; a single sequence may exceed it."""
    sequences: int
    cells: int
    shared: bool
    """True if one token may belong to several sequences: a wave is then one batch. Else it is one
    for each level of the tree, since a copy must wait for what it copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Tokens that follow each other, and the rows of logits wanted of them."""

    first: int
    """The sequence that they belong to; with `count`, the first of several."""
    count: int
    start: int
    """Position of the first token."""
    tokens: tuple[int, ...]
    wanted: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Copy sequences, evaluate segments, then drop sequences whole."""

    copies: tuple[tuple[int, int], ...] = ()
    segments: tuple[Segment, ...] = ()
    drops: tuple[int, ...] = ()


Wave = tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sequence 0 is to hold `preamble` and nothing else; then come the waves, which leave it so."""

    preamble: tuple[int, ...]
    waves: Iterator[Wave]


def plan(scorings: Sequence[Scoring], limits: Limits) -> Plan:
    """Lay out a window.

    Args:
        scorings: of every item of the window, one after the other; a target names its index here.
        limits: `cells` must hold the longest single sequence; at least two sequences.

    Returns:
        A plan in which each wanted (scoring, position) appears exactly once. Each distinct
        beginning is evaluated once, as long as there are more sequences than the base 2 logarithm
        of how many sequences the window has.
    """
    tree = grow(scorings)
    waves = _under(tree.roots, limits, resident=0, depth=len(tree.preamble), free=1)
    return Plan(preamble=tree.preamble, waves=waves)


def _under(
    nodes: Sequence[Node], limits: Limits, *, resident: int, depth: int, free: int
) -> Iterator[Wave]:
    """Evaluate subtrees that hang on the `depth` tokens which the sequence `resident` holds.

    Those that don't fit a wave come after those that do: first what all of one share, as a
    resident, then what is below. Sequences from `free` on hold nothing.
    """
    while nodes:
        light, heavy = _sorted(nodes, limits, depth=depth, free=free)
        tokens = min(limits.wave_tokens, limits.cells - depth)
        for packed in _packs(light, tokens, limits.sequences - free):
            yield _wave(packed, limits, resident=resident, depth=depth, free=free)
        # The subtree with most leaves comes last and goes on in its parent's own sequence, so that
        # residents inside residents halve in leaves each time. Nothing goes on in the preamble's.
        last = heavy.pop() if heavy and resident else None
        for node in heavy:
            copies = ((resident, free),) if depth else ()
            yield (Stage(copies=copies, segments=(_segment(node, depth, free),)),)
            below = depth + len(node.tokens)
            yield from _under(node.children, limits, resident=free, depth=below, free=free + 1)
            yield (Stage(drops=(free,)),)
        if last is None:
            return
        yield (Stage(segments=(_segment(last, depth, resident),)),)
        nodes, depth = last.children, depth + len(last.tokens)


def _sorted(
    nodes: Sequence[Node], limits: Limits, *, depth: int, free: int
) -> tuple[list[Node], list[Node]]:
    """Split nodes into those that fit a wave, in their order, and the rest, by number of leaves."""
    tokens = min(limits.wave_tokens, limits.cells - depth)
    sequences = limits.sequences - free
    light: list[Node] = []
    heavy: list[Node] = []
    for node in nodes:
        if not node.children or (node.size <= tokens and node.leaves <= sequences):
            light.append(node)
        elif sequences > 1:
            heavy.append(node)
        else:  # no sequence is left for what has to stay resident
            light.extend(node.cut())
    return light, sorted(heavy, key=lambda node: node.leaves)


def _packs(nodes: Sequence[Node], tokens: int, sequences: int) -> Iterator[list[Node]]:
    """Subtrees in their order, as many at a time as have room."""
    packed: list[Node] = []
    size = leaves = 0
    for node in nodes:
        if packed and (size + node.size > tokens or leaves + node.leaves > sequences):
            yield packed
            packed, size, leaves = [], 0, 0
        packed.append(node)
        size, leaves = size + node.size, leaves + node.leaves
    if packed:
        yield packed


def _wave(nodes: Sequence[Node], limits: Limits, *, resident: int, depth: int, free: int) -> Wave:
    """Whole subtrees, each leaf in a sequence of its own: one stage, or one for each level."""
    leaves = range(free, free + sum(node.leaves for node in nodes))
    levels: list[tuple[list[tuple[int, int]], list[Segment]]] = [([], [])]
    if limits.shared and depth:
        levels[0][0].extend((resident, leaf) for leaf in leaves)
    stack = [(node, 0, depth, resident, first) for node, first in _numbered(nodes, free)]
    while stack:
        node, level, start, parent, first = stack.pop()
        if level == len(levels):
            levels.append(([], []))
        copies, segments = levels[level]
        if limits.shared:
            segments.append(_segment(node, start, first, count=node.leaves))
        else:
            if start and parent != first:
                copies.append((parent, first))
            segments.append(_segment(node, start, first))
        below = 0 if limits.shared else level + 1
        after = start + len(node.tokens)
        stack.extend(
            (child, below, after, first, leaf) for child, leaf in _numbered(node.children, first)
        )
    stages = [Stage(copies=tuple(copies), segments=tuple(parts)) for copies, parts in levels]
    return (*stages, Stage(drops=tuple(leaves)))


def _numbered(nodes: Sequence[Node], first: int) -> list[tuple[Node, int]]:
    """Nodes with their first leaf's sequence, the last one first, as a stack wants them."""
    found = []
    for node in nodes:
        found.append((node, first))
        first += node.leaves
    return found[::-1]


def _segment(node: Node, start: int, first: int, *, count: int = 1) -> Segment:
    return Segment(first=first, count=count, start=start, tokens=node.tokens, wanted=node.wanted)
