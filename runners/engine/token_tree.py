"""Token sequences as a tree: each edge a run of tokens, branching where the sequences part."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runners.engine.encoding import Scoring

Target = tuple[int, int]
"""(index of the scoring in its window, token id) that a row of logits is read for."""

Wanted = tuple[tuple[int, tuple[Target, ...]], ...]
"""(offset of the token whose row is wanted, what it is read for), by rising offset."""

Rows = dict[int, list[Target]]
"""Position -> what its row is read for."""


@dataclass(slots=True, kw_only=True)
class Node:
    """A run of tokens that the same sequences share, and the subtree below it."""

    tokens: tuple[int, ...]
    wanted: Wanted = ()
    children: list[Node] = field(default_factory=list)
    """None, or at least two."""
    size: int = 0
    """Tokens of the subtree."""
    leaves: int = 1
    """Sequences that the subtree needs."""

    def cut(self) -> Iterator[Node]:
        """The subtree's sequences, each whole; wanted rows that several share go to the first."""
        stack: list[tuple[tuple[int, ...], Wanted, Node]] = [((), (), self)]
        while stack:
            before, wanted, node = stack.pop()
            tokens = before + node.tokens
            wanted += tuple((len(before) + offset, targets) for offset, targets in node.wanted)
            if not node.children:
                yield Node(tokens=tokens, wanted=wanted, size=len(tokens))
            stack.extend(
                (tokens, wanted if child is node.children[0] else (), child)
                for child in reversed(node.children)
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The tokens that all sequences begin with, and the tree of those that follow."""

    preamble: tuple[int, ...]
    """No row is wanted of it."""
    roots: list[Node]


def grow(scorings: Sequence[Scoring]) -> Tree:
    """The tree of all distinct sequences."""
    if not scorings:
        return Tree(preamble=(), roots=[])
    sequences = sorted({scoring.read for scoring in scorings})
    # The row at `first - 1` is wanted: the preamble ends before it.
    shortest = min(scoring.first - 1 for scoring in scorings)
    preamble = sequences[0][: min(shortest, shared_length(sequences[0], sequences[-1]))]
    rows: dict[tuple[int, ...], Rows] = {sequence: {} for sequence in sequences}
    for index, scoring in enumerate(scorings):
        wanted = rows[scoring.read]
        for position in range(scoring.first - 1, len(scoring.read)):
            wanted.setdefault(position, []).append((index, scoring.tokens[position + 1]))
    return Tree(preamble=preamble, roots=_branch(sequences, len(preamble), list(rows.values())))


@dataclass(slots=True, kw_only=True)
class _Edge:
    """A node while the tree grows: it ends `end` tokens into `sequence`."""

    sequence: tuple[int, ...]
    end: int
    rows: Rows = field(default_factory=dict)
    children: list[_Edge] = field(default_factory=list)


def _branch(sequences: Sequence[tuple[int, ...]], start: int, rows: Sequence[Rows]) -> list[Node]:
    """Insert sorted sequences one by one: only the path to the last one can still branch."""
    root = _Edge(sequence=sequences[0], end=start)
    path = [root]
    for sequence, wanted in zip(sequences, rows, strict=True):
        shared = max(start, shared_length(path[-1].sequence, sequence))
        child = None
        while path[-1].end > shared:
            child = path.pop()
        if child is not None and path[-1].end < shared:
            above = {p: child.rows.pop(p) for p in sorted(child.rows) if p < shared}
            middle = _Edge(sequence=sequence, end=shared, rows=above, children=[child])
            path[-1].children[-1] = middle
            path.append(middle)
        if len(sequence) > path[-1].end:
            leaf = _Edge(sequence=sequence, end=len(sequence))
            path[-1].children.append(leaf)
            path.append(leaf)
        _want(path, wanted)
    return _settle(root)


def _want(path: Sequence[_Edge], rows: Rows) -> None:
    """Give each wanted row of a sequence to the edge of its path that holds the position."""
    ends = [edge.end for edge in path]
    for position, targets in rows.items():
        edge = path[bisect_right(ends, position)]
        edge.rows.setdefault(position, []).extend(targets)


def _settle(root: _Edge) -> list[Node]:
    """Nodes for the edges below `root`, a single child joined to its parent.

    Children come before their parents; a tree may be deeper than Python likes to recurse.
    """
    below: dict[int, list[Node]] = {}
    order: list[tuple[_Edge, int]] = []
    stack = [(root, 0)]
    while stack:
        edge, start = stack.pop()
        order.append((edge, start))
        stack.extend((child, edge.end) for child in edge.children)
    for edge, start in reversed(order):
        children = [node for child in edge.children for node in below.pop(id(child))]
        if edge is root:
            return children
        below[id(edge)] = [_node(edge, start, children)]
    return []


def _node(edge: _Edge, start: int, children: list[Node]) -> Node:
    tokens = edge.sequence[start : edge.end]
    wanted = tuple((p - start, tuple(targets)) for p, targets in sorted(edge.rows.items()))
    if len(children) == 1:
        (child,) = children
        wanted += tuple((len(tokens) + offset, targets) for offset, targets in child.wanted)
        tokens, children = tokens + child.tokens, child.children
    return Node(
        tokens=tokens,
        wanted=wanted,
        children=children,
        size=len(tokens) + sum(child.size for child in children),
        leaves=sum(child.leaves for child in children) or 1,
    )


def shared_length(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Number of tokens at which both begin alike."""
    most = min(len(a), len(b))
    if a[:most] == b[:most]:
        return most
    return bisect_left(range(most), True, key=lambda n: a[: n + 1] != b[: n + 1])
