"""How long one candidate may take for a stage."""

from __future__ import annotations

import pytest

from runners.batches.agenda import Agenda
from runners.batches.pace import Pace
from runners.batches.patience import expected_s, within_s

AGENDA = Agenda(sizes={"one": {"one": 400}})
PACE = Pace(process_s=2.0, timed_s=10.0, item_s={"one": 0.5})


def test_a_stage_takes_a_process_and_its_new_items():
    stages = [{"one": 2}, {"one": 10}, {"one": 50}]
    assert expected_s(PACE, AGENDA, stages, 2) == 2 + 40 * 0.5
    assert expected_s(PACE, AGENDA, stages, 0) is None  # it is timed there
    assert expected_s(None, AGENDA, stages, 1) is None


@pytest.mark.parametrize(
    ("expected", "slowdown", "candidates", "most_s"),
    [
        (None, 1.0, 3, 200.0),  # nothing tells
        (20.0, 1.0, 2, 200.0),  # of two both are needed
        (20.0, None, 3, 100.0),  # the first: the machine may be slow
        (20.0, 1.0, 3, 3 * 20 + 10),
        (20.0, 2.0, 3, 3 * 2 * 20 + 10),  # as the one before
        (20.0, 9.0, 3, 200.0),  # never more than there is
    ],
)
def test_it_may_take_three_times_what_it_should(
    expected: float | None, slowdown: float | None, candidates: int, most_s: float
):
    assert within_s(expected, slowdown, left_s=200.0, candidates=candidates) == most_s
