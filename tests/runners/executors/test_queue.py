"""Bookkeeping of blocks: one a node, a lost block goes to another, and not for ever."""

from __future__ import annotations

from runners.executors.queue import MOST_TRIES, BlockQueue


def test_a_node_runs_one_block_at_a_time() -> None:
    queue = BlockQueue.of([0, 1, 2])
    assert queue.start(["a", "b"]) == [(0, "a"), (1, "b")]
    assert queue.start(["a", "b"]) == []
    queue.done(0)
    assert queue.start(["a", "b"]) == [(2, "a")]
    queue.done(1)
    queue.done(2)
    assert queue.over


def test_a_lost_block_is_the_next_to_start() -> None:
    queue = BlockQueue.of([0, 1])
    queue.start(["a"])
    queue.node_lost(0, "a was lost")
    assert queue.start(["b"]) == [(0, "b")]
    assert queue.lost == {}


def test_a_block_that_takes_nodes_down_is_given_up() -> None:
    queue = BlockQueue.of([0])
    for number in range(MOST_TRIES):
        assert queue.start([f"n{number}"]) == [(0, f"n{number}")]
        queue.node_lost(0, f"n{number} was lost")
    assert queue.lost == {0: "n2 was lost; it was tried on 3 nodes"}
    assert queue.over


def test_without_nodes_what_waits_is_given_up_and_what_runs_is_not() -> None:
    queue = BlockQueue.of([0, 1, 2])
    queue.start(["a"])
    queue.strand("no node")
    assert queue.lost == {1: "no node", 2: "no node"}
    assert not queue.over
