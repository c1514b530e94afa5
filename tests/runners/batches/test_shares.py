"""What a look asks: in proportion to what an item tells and costs, within the time."""

from __future__ import annotations

import pytest

from runners.batches.shares import Pool, cost_s, least_s, next_items


def pool(**given: float) -> Pool:
    usual = {"done": 0, "most": 1000, "least": 8, "second_s": 1.0, "flips": 0.08}
    return Pool(**{**usual, **given})  # type: ignore[arg-type]


def test_like_tasks_share_alike():
    assert next_items({"a": pool(), "b": pool()}, 100.0) == {"a": 50, "b": 50}
    # 30 are done of each: 20 more of each for 40 seconds.
    assert next_items({"a": pool(done=30), "b": pool(done=30)}, 40.0) == {"a": 50, "b": 50}


def test_tasks_that_tell_more_or_cost_less_get_more():
    # √(0.16 / 1) : √(0.04 / 1) = 2 : 1.
    assert next_items({"a": pool(flips=0.16), "b": pool(flips=0.04)}, 90.0) == {"a": 60, "b": 30}
    # √(1 / 1) : √(1 / 4) = 2 : 1, and 60 + 4 * 30 = 180 seconds.
    assert next_items({"a": pool(), "b": pool(second_s=4.0)}, 180.0) == {"a": 60, "b": 30}


def test_no_task_is_starved():
    # √ of 10,000 : 1 is 100 : 1; a quarter of their mean is what the second one gets at least.
    found = next_items({"a": pool(flips=0.5), "b": pool(flips=0.5e-4)}, 100.0)
    assert found is not None
    assert found["b"] >= 0.1 * found["a"]


def test_what_a_task_has_no_more_goes_to_the_others():
    found = next_items({"a": pool(most=20), "b": pool()}, 100.0)
    assert found == {"a": 20, "b": 80}
    # What was asked stays asked, also where it was more than its share.
    assert next_items({"a": pool(done=60), "b": pool(done=10)}, 40.0) == {"a": 60, "b": 50}


def test_a_look_is_worth_its_processes_or_none():
    tasks = {"a": pool(done=100, most=105), "b": pool(done=100, most=105)}
    assert next_items(tasks, 1e6) is None  # 5 % more
    assert next_items({"a": pool(), "b": pool()}, 15.0) is None  # the least is 16 seconds
    assert least_s({"a": pool(), "b": pool(second_s=2.0)}) == 24.0
    assert cost_s({"a": pool(done=10)}, {"a": 30}) == pytest.approx(20.0)


def test_a_first_look_needs_no_tenth_more():
    # A tenth more than two and one would be 3.2 items: there are three, and nothing was judged yet.
    assert next_items({"a": pool(done=2, most=3)}, 10.0) == {"a": 3}
    assert next_items({"a": pool(done=3, most=3)}, 10.0) is None
    # Beside one that has its eight already the other's last item is asked, too.
    assert next_items({"a": pool(done=8), "b": pool(done=2, most=3)}, 1.5) == {"a": 8, "b": 3}
