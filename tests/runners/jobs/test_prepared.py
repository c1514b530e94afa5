"""What is said of items that begin alike, and from how many on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evals.tasks.load import permutation, select
from runners.jobs.prepared import PreparedTask, unclustered

Loader = Callable[..., list[PreparedTask]]


@pytest.fixture(name="choice")
def _choice(tiny: Path, loader: Loader) -> PreparedTask:
    (task,) = loader(tiny, "tiny_choice")
    return task


def with_beginnings(task: PreparedTask, beginnings: Sequence[str | None]) -> PreparedTask:
    items = [replace(task.items[0], beginning=one) for one in beginnings]
    return replace(task, items=tuple(items))


def test_a_task_of_shared_passages_is_named(choice: PreparedTask) -> None:
    # Four passages of two and two items alone: (4 · 4 + 2) / 10 = 1.8.
    found = unclustered([with_beginnings(choice, [*"aabbccdd", None, None])])
    assert list(found) == ["tiny_choice"]
    assert found["tiny_choice"].startswith("8 of 10 items share 4 passages")
    assert "`cluster:`" in found["tiny_choice"]


def test_a_pair_among_many_is_not(choice: PreparedTask) -> None:
    # (4 + 38) / 40 = 1.05, and 1.1 of 20.
    assert not unclustered([with_beginnings(choice, ["a", "a", *[None] * 38])])
    assert unclustered([with_beginnings(choice, ["a", "a", *[None] * 18])])
    assert not unclustered([with_beginnings(choice, [None] * 4)])


def test_a_groups_tasks_are_counted_together(choice: PreparedTask) -> None:
    loaded = replace(choice.loaded, group="g")
    alike = with_beginnings(replace(choice, loaded=loaded), ["a"] * 2)
    other = replace(choice, loaded=replace(loaded, name="other"))
    alone = with_beginnings(other, [None] * 2)
    assert unclustered([alike, alone])["g"].startswith("2 of 4 items share 1 passages")
    # The same beginning in another task of the group is another passage there.
    assert not unclustered([with_beginnings(other, ["a", None]), with_beginnings(choice, ["a"])])


def test_stages_ask_a_random_part_of_the_task_that_only_grows(choice: PreparedTask) -> None:
    assert choice.asked(choice.items) is choice.items
    four, seven = (replace(choice, stages=stages) for stages in ((4,), (4, 7)))
    assert (choice.count, four.count, seven.count) == (len(choice.items), 4, 7)
    first, more = four.asked(choice.items), seven.asked(choice.items)
    assert list(more[:4]) == list(first)
    # The items of any limit, in the order of the permutation that limits draw from.
    loaded = choice.loaded
    order = permutation(loaded.total, seed=loaded.seed, name=loaded.name)
    assert [item.doc_id for item in more] == order[:7]
    limited = select(loaded.total, 7, seed=loaded.seed, name=loaded.name)
    assert sorted(item.doc_id for item in more) == list(limited)
    # For one candidate's own prompts no others are built, where they do not hang on each other.
    assert seven.loading.selection == limited
    shots = replace(seven, loaded=replace(loaded, num_fewshot=5))
    assert shots.loading.selection == choice.loading.selection == loaded.selection
