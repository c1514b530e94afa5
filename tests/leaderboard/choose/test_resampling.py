from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaderboard.choose.resampling import Draws, gather
from leaderboard.rows.answers import ItemKey
from leaderboard.rows.row import merged, row

if TYPE_CHECKING:
    from typing import Any

    from leaderboard.rows.peers import Scores
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker


def draw(rows: list[Row], **given: Any) -> Draws:
    return gather(rows, **given).draws


def scores(values: list[float]) -> Scores:
    return {"t": {ItemKey("t", str(i), i): value for i, value in enumerate(values)}}


def test_accuracy_from_counts(made: Maker):
    # Beta(30.5, 70.5): mean 30.5 / 101 = 0.30198, variance 0.30198 * 0.69802 / 102 = 0.045459^2.
    rows = [made.row("a", 0.3, 100), made.row("b", 0.9, 10)]
    found = draw(rows, draws=20_000)
    assert found.accuracy.shape == (20_000, 2)
    assert found.accuracy[:, 0].mean() == pytest.approx(0.30198, abs=2e-3)
    assert found.accuracy[:, 0].std() == pytest.approx(0.04546, abs=2e-3)
    assert abs(np.corrcoef(found.accuracy.T)[0, 1]) < 0.03
    assert not found.paired


def test_weights_of_tasks(made: Maker):
    tasks = {"t": made.task(0.2, 10_000, group="t"), "u": made.task(0.6, 10_000, group="u")}
    one = row(made.record(tasks=tasks))
    plain = draw([one], draws=200)
    weighed = draw([one], draws=200, weights={"t": 3.0})
    assert plain.accuracy.mean() == pytest.approx(0.4, abs=2e-3)
    assert weighed.accuracy.mean() == pytest.approx(0.3, abs=2e-3)
    nothing = draw([one], draws=2, weights={"t": 0.0, "u": 0.0})
    assert np.isnan(nothing.accuracy).all()


def test_answers_to_the_same_items_go_together(made: Maker):
    # Bayesian bootstrap of n = 400: variance of a mean p(1-p) / (n + 1); of the difference
    # (share discordant - difference^2) / (n + 1): 20 gained of 400: (0.05 - 0.0025) / 401.
    before = [1.0] * 200 + [0.0] * 200
    after = [1.0] * 220 + [0.0] * 180
    rows = [made.row("a", 0.5, 400), made.row("b", 0.55, 400), made.row("c", 0.5, 400)]
    given = (before, after, before)
    answers = {r.record.run_id: scores(s) for r, s in zip(rows, given, strict=True)}
    found = draw(rows, draws=5000, answers=answers)
    assert found.paired
    assert found.accuracy[:, 0].std() == pytest.approx(math.sqrt(0.25 / 401), rel=0.05)
    difference = found.accuracy[:, 1] - found.accuracy[:, 0]
    assert difference.mean() == pytest.approx(0.05, abs=1e-3)
    assert difference.std() == pytest.approx(math.sqrt(0.0475 / 401), rel=0.05)
    # The same answers have the same score in every draw, to the bit.
    np.testing.assert_array_equal(found.accuracy[:, 0], found.accuracy[:, 2])


def test_answers_that_do_not_cover_the_tasks_are_not_used(made: Maker):
    tasks = {"t": made.task(0.5, 2, group="t"), "u": made.task(0.5, 2, group="u")}
    one = row(made.record(tasks=tasks))
    answers = {one.record.run_id: scores([1, 0])}
    assert not draw([one], draws=2, answers=answers).paired


def test_times_vary_as_the_runs_did(made: Maker):
    # Two rows of four runs each with a relative sample standard deviation of 10 %, and a single
    # run: means of four vary by 5 %, the single one by 10 %.
    step = 0.1 * math.sqrt(3 / 4)
    records = [
        made.record(name, repeat=i, ttft_s=centre * (1 + (step if i % 2 else -step)))
        for name, centre in (("a", 0.1), ("b", 0.4))
        for i in range(4)
    ]
    rows = merged([*records, made.record("c", ttft_s=0.2)])
    found = draw(rows, draws=20_000)
    assert found.runs_vary
    # Six degrees of freedom: a t of six has the variance 6 / 4, 1.2247 times the spread.
    spread = np.log(found.numbers["ttft"]).std(axis=0)
    assert spread == pytest.approx([0.0612, 0.0612, 0.1225], rel=0.05)
    assert np.median(found.numbers["ttft"], axis=0) == pytest.approx([0.1, 0.4, 0.2], rel=0.01)
    assert (found.numbers["memory"] == 100 * 2**20).all()
    # One more run adds its own 10 %: of the first, sqrt(0.05^2 + 0.1^2) = 0.1118.
    of_run = np.log(found.run_numbers["ttft"]).std(axis=0)
    assert of_run == pytest.approx([0.1369, 0.1369, 0.1732], rel=0.05)


def test_single_runs_are_taken_as_they_were_measured(made: Maker):
    found = draw([made.row("a", ttft_s=0.3)], draws=5)
    assert not found.runs_vary
    assert (found.numbers["ttft"] == 0.3).all()


def test_what_is_missing_is_missing_in_every_draw(made: Maker):
    one = replace(made.row("a", None), numbers={})
    found = draw([one, made.row("b")], draws=5)
    assert np.isnan(found.accuracy[:, 0]).all()
    assert np.isnan(found.numbers["ttft"][:, 0]).all()
    assert np.isfinite(found.accuracy[:, 1]).all()
    assert draw([], draws=5).accuracy.shape == (5, 0)


def test_one_seed_one_result(made: Maker):
    rows = [made.row("a"), made.row("b", 0.6)]
    one, same = (draw(rows, seed=9, draws=50) for _ in range(2))
    np.testing.assert_array_equal(one.accuracy, same.accuracy)
