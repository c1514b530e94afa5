"""The simulation behind the table of "Which one do I ship" judges as the board does."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import ship
from leaderboard.choose.ranking import difference_over
from leaderboard.stats.item_resampling import item_means


def test_its_tests_of_all_pairs_at_once_are_those_of_the_board():
    tasks, _ = ship.make(5, "quick", 0.02, np.random.default_rng(1))
    shares = [1 / len(tasks)] * len(tasks)
    found = ship.flip_tests(tasks, shares, 3)
    board = [difference_over(tasks, shares, (3, other)).p for other in range(5)]
    assert found == pytest.approx(board)


def test_its_boards_have_the_accuracies_and_the_flips_that_it_says():
    # Tasks of 25 to 65 % are 45 % on average. Equal candidates differ in 8 % of a task of 50 %, in
    # somewhat less of the others.
    rng = np.random.default_rng(2)
    boards = [ship.make(2, "core", 0.0, rng)[0] for _ in range(20)]
    shares = [1 / 11] * 11
    assert np.mean([item_means(tasks, shares) for tasks in boards]) == pytest.approx(0.45, abs=0.01)
    flips = np.mean([np.ptp(task.scores, axis=1).mean() for tasks in boards for task in tasks])
    assert 0.065 < flips < 0.08


def test_a_board_without_any_doubt():
    # Spread by 20 points, 8 x 40 items tell the best, and the shortfall is nil.
    cell = ship.simulate(2, "quick", 0.2, 20)
    assert cell.right >= 0.9
    assert cell.told >= 0.7
    assert cell.shortfall < 1.0
    assert len(ship.table([cell])) == 3
