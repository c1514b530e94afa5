"""Items of a comparison with a given time, and the course of its looks."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from runners.batches.agenda import Agenda, variance
from runners.batches.course import Course, planned
from runners.batches.pace import Pace
from runners.batches.time_left import GivenTime

AGENDA = Agenda(sizes={"one": {"one": 400}, "group": {"big": 300, "small": 100}})
PACE = Pace(process_s=2.0, timed_s=10.0, item_s={"one": 0.1, "group": 0.2})


def test_a_group_s_tasks_share_its_items_by_their_sizes():
    assert AGENDA.by_task({"one": 20, "group": 8}) == {"one": 20, "big": 6, "small": 2}
    assert AGENDA.by_part({"one": 20, "big": 6, "small": 2}) == {"one": 20, "group": 8}
    assert AGENDA.parts == {"one": "one", "big": "group", "small": "group"}
    # Two of each part come first; a look has eight, and of a group some of each task.
    assert sum(AGENDA.calibration().values()) == 4
    many = Agenda(sizes={"group": dict.fromkeys(map(str, range(57)), 10), "few": {"few": 5}})
    assert (AGENDA.least("one"), many.least("group"), many.least("few")) == (8, 57, 5)


def test_pools_cost_what_all_candidates_take():
    pools = AGENDA.pools({"one": 10, "big": 3, "small": 1}, [PACE, PACE], {"one": 0.2})
    assert (pools["one"].done, pools["one"].most, pools["one"].second_s) == (10, 400, 0.2)
    assert (pools["group"].done, pools["group"].second_s) == (4, 0.4)
    assert (pools["one"].flips, pools["group"].flips) == (0.2, 0.2)  # the mean of what is known
    # 0.2 / 10 and 0.2 / 4, each part a half of the mean.
    assert variance(pools, {"one": 10, "group": 4}) == pytest.approx(0.25 * (0.02 + 0.05))


def test_looks_lie_at_even_parts_of_the_time():
    # Of 100 s a fifth may be processes: of two candidates at 2 s each five.
    course = Course.of([PACE, PACE], used_s=20.0, end_s=120.0)
    assert course.looks == 5
    assert Course.of([PACE] * 10, used_s=20.0, end_s=120.0).looks == 1
    assert Course.of([PACE], used_s=20.0, end_s=120.0).looks == 1  # nothing to compare
    stages = list(planned(AGENDA, [PACE, PACE], 100.0))
    assert [one.name for one in stages[:3]] == ["calibration", "look 1", "look 2"]
    # Both: 2 + 10 s and two items of each part.
    assert stages[0].ends_s == pytest.approx(2 * (12 + 2 * 0.1 + 2 * 0.2))
    ends = [one.ends_s for one in stages]
    assert ends == sorted(ends)
    assert 85 < ends[-1] <= 100
    items = [one.items for one in stages]
    assert items == sorted(set(items))


def test_a_given_time_keeps_some_for_the_answer():
    now = [50.0]
    clock = GivenTime(given_s=600.0, used_before_s=100.0, started_s=40.0, now=lambda: now[0])
    # 4 % of 600 s would be 24: 15 at most.
    assert (clock.used_s, clock.end_s, clock.left_s) == (110.0, 585.0, 475.0)
    assert clock.share == pytest.approx(110 / 585)
    assert clock.seconds(0, 50.0) == 490.0
    now[0] = 1000.0
    assert (clock.share, clock.left_s < 0, clock.seconds(0, 1000.0)) == (1.0, True, 0.0)
    assert math.isclose(GivenTime(given_s=20.0, started_s=0.0).end_s, 17.0)  # 3 s at least


def test_where_tasks_count_alike_none_goes_unasked():
    sizes = {"group": {"big": 1000, "mid": 20, "tiny": 5}}
    alike = Agenda(sizes=sizes, alike=frozenset({"group"}))
    # In proportion all of the first look's eight are big's: 1000 / 15 = 67 > 20.
    assert Agenda(sizes=sizes).by_task({"group": 8}) == {"big": 8, "mid": 0, "tiny": 0}
    assert alike.by_task({"group": 8}) == {"big": 6, "mid": 1, "tiny": 1}
    # What a task has, it keeps: the largest comes first.
    assert alike.calibration() == {"big": 1, "mid": 1, "tiny": 0}
    counts = [alike.by_task({"group": n}) for n in range(60)]
    assert all(a[task] <= b[task] for a, b in pairwise(counts) for task in a)


def test_the_smallest_stage_has_what_a_look_needs():
    done = AGENDA.calibration()
    assert AGENDA.smallest(done) == {"one": 8, "big": 6, "small": 2}
    # Where that was asked twice as many; no more than there are.
    assert AGENDA.smallest({"one": 300, "big": 6, "small": 2}) == {
        "one": 400,
        "big": 12,
        "small": 4,
    }
    assert AGENDA.smallest({"one": 400, "big": 300, "small": 100}) is None
