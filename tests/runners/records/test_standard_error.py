import math

import pytest

from leaderboard.stats.intervals import mean_stderr
from leaderboard.stats.paired_means import paired_difference
from runners.records.standard_error import spread

VALUES = [1, 1, 0, 0, 1, 0, 1, 1]


def test_items_by_themselves():
    found = spread(VALUES, range(8))
    assert (found.clusters, found.design_effect) == (8, 1.0)
    assert found.stderr == pytest.approx(mean_stderr(VALUES)[1])


def test_items_that_go_together_by_hand():
    # Mean 1/2 of two clusters of two: residual sums 1 and -1. Clustered: 2/1 · 2 / 16 = 1/4;
    # plain: 1 / 3 / 4 = 1/12. Effect 3, standard error 1/2.
    found = spread([1, 1, 0, 0], ["a", "a", "b", "b"])
    assert (found.clusters, found.stderr) == (2, pytest.approx(0.5))
    assert found.design_effect == pytest.approx(3)


def test_clusters_that_cancel_out_narrow_nothing():
    found = spread([1, 0, 1, 0], ["a", "a", "b", "b"])
    assert found.design_effect == 1.0
    assert found.stderr == pytest.approx(math.sqrt(1 / 12))


def test_it_is_the_paired_comparisons_own():
    # The difference from a side that got nothing right is the score itself.
    clusters = ["a", "a", "b", "b", "b", "c", "d", "d"]
    paired = paired_difference([0] * 8, VALUES, clusters=clusters)
    assert spread(VALUES, clusters).stderr == pytest.approx(paired.stderr)


def test_where_nothing_can_be_estimated():
    one = spread([1, 0, 1], ["a", "a", "a"])
    assert (one.stderr, one.clusters, one.design_effect) == (None, 1, 3.0)
    alike = spread([1, 1, 1, 1], ["a", "a", "a", "b"])  # (9 + 1) / 4
    assert (alike.stderr, alike.clusters, alike.design_effect) == (0.0, 2, 2.5)
