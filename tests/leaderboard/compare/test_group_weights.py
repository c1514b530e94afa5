"""Groups that count their tasks alike (lm-eval's `weight_by_size: false`), worked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lm_eval.api.metrics import aggregate_subtask_metrics, unweighted_mean_stderr

from leaderboard.compare.comparison import Side, compare
from leaderboard.rows.answers import read_answers
from leaderboard.rows.counting import missing_tasks
from leaderboard.rows.row import row
from leaderboard.rows.score import group_score
from leaderboard.runs.deadline import deadline_curves
from leaderboard.stats.intervals import proportion_interval

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

# One task of 6 items with 2 right, one of 2 items with both right.
VALUES, SIZES = [1 / 3, 1.0], [6, 2]


def members(made: Maker, **given: Any) -> list[Any]:
    return [made.task(v, n, group="g", **given) for v, n in zip(VALUES, SIZES, strict=True)]


def test_each_task_counts_the_same(made: Maker):
    alike = group_score("g", members(made, by_size=False, chance=0.5))
    # (1/3 + 1) / 2 = 2/3; by items 4 of 8 = 1/2.
    assert alike.value == pytest.approx(2 / 3)
    assert alike.value == pytest.approx(aggregate_subtask_metrics(VALUES, SIZES, False))
    assert group_score("g", members(made)).value == 0.5
    assert alike.n == 8
    assert alike.chance == 0.5
    errors = [task.stderr for task in members(made)]
    assert alike.stderr == pytest.approx(unweighted_mean_stderr(errors))
    # As many items as have the variance: 2² / (1/6 + 1/2) = 6, not 8.
    assert alike.interval == proportion_interval(2 / 3, None, 6)  # the variance is no larger


def test_the_suites_score_takes_the_groups(made: Maker):
    x, y = members(made, by_size=False)
    record = made.record(tasks={"x": x, "y": y, "t": made.task(0.5, 4)})
    found = row(record)
    assert found.score
    assert found.score.value == pytest.approx((2 / 3 + 0.5) / 2)


def test_a_pair_is_compared_task_by_task(made: Maker):
    def side(name: str, scores: dict[str, list[float]]) -> Side:
        tasks = {
            t: made.task(sum(v) / len(v), len(v), group="g", by_size=False)
            for t, v in scores.items()
        }
        return Side(runs=(made.record(name, tasks=tasks),), samples=made.samples(scores))

    a = side("a", {"x": [1, 1, 0, 0, 0, 0], "y": [1, 1]})
    b = side("b", {"x": [1, 1, 1, 1, 1, 0], "y": [0, 0]})
    ((task,),) = [found.tasks for found in compare([a, b])]
    assert (task.reference, task.other) == (pytest.approx(2 / 3), pytest.approx(5 / 12))
    assert task.paired
    # +1/2 over six items and -1 over two: their mean is -1/4; by items (3 - 2) / 8 would be a gain.
    assert task.paired.difference == pytest.approx(-0.25)
    assert (task.paired.n, task.paired.gained, task.paired.lost) == (8, 3, 2)
    assert task.recorded == (pytest.approx(2 / 3), pytest.approx(5 / 12))


def test_under_a_deadline_such_tasks_have_a_curve_each(made: Maker):
    scores = {"x": [1.0, 0.0], "y": [1.0]}
    tasks = {t: made.task(0.5, len(v), group="g", by_size=False) for t, v in scores.items()}
    samples = made.samples(scores, token_s=[[1.0]] * 3)
    samples = samples.set_column(samples.column_names.index("answer"), "answer", [["a", "b", "c"]])
    curves, reason = deadline_curves(read_answers(made.record(tasks=tasks), samples))
    assert reason == ""
    assert [(c.task, c.n, c.asked, c.gained[-1]) for c in curves] == [
        ("x", 2, 2, 1.0),
        ("y", 1, 1, 1.0),
    ]


def test_an_entry_whose_groups_are_rows_of_their_own_is_not_missing(made: Maker):
    tasks = {"x": made.task(0.5, 4, group="inner", entry="outer")}
    asked = {"tasks": [{"task": "outer"}]}
    assert missing_tasks(made.record(tasks=tasks, suite=asked)) == {}
    gone = {"x": made.task(0.5, 4, group="inner")}
    assert missing_tasks(made.record(tasks=gone, suite=asked)) == {
        "outer": "the record has no score of it"
    }
