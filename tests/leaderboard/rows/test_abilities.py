"""Abilities of rows: their tasks, their scores, what they weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.rows.abilities import (
    UNANSWERED,
    abilities,
    ability_score,
    counted,
    inside,
    task_weights,
    weighing,
)
from leaderboard.rows.row import merged, row
from leaderboard.rows.view import View

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

SCORES = {"bfcl_simple": 0.6, "json_schema": 0.4, "mbpp": 0.1, "tickets": 0.9}


def the_row(made: Maker, name: str = "a", **changes) -> Row:
    """Tools 60 and 40 %, code 10 %, and a task of which no ability is known."""
    tasks = {task: made.task(value, group=task) for task, value in SCORES.items()}
    return row(made.record(name, tasks={**tasks, **changes}))


def view(*weights: tuple[str, float], **given) -> View:
    return View(ability_weights=weights, **given)


def test_tasks_by_ability(made: Maker):
    found = abilities([the_row(made)])
    assert found == {
        "tools": ("bfcl_simple", "json_schema"), "code": ("mbpp",), "other": ("tickets",),
    }  # fmt: skip
    assert list(found) == ["tools", "code", "other"]


def test_what_one_record_states_holds_for_all_of_the_suite(made: Maker):
    stated = the_row(made, tickets=made.task(0.9, group="tickets", ability="support"))
    for rows in ([the_row(made), stated], [stated, the_row(made)]):
        assert abilities(rows)["support"] == ("tickets",)
    # It is stronger than the table.
    other = the_row(made, mbpp=made.task(0.1, group="mbpp", ability="maths"))
    assert abilities([other])["maths"] == ("mbpp",)


def test_what_enters_no_mean_is_of_no_ability(made: Maker):
    words = made.task(12.0, group="mbpp", metric="word_perplexity", higher_is_better=False)
    assert "code" not in abilities([the_row(made, mbpp=words)])


def test_a_group_counts_as_one_task_of_its_ability(made: Maker):
    subjects = {f"mmlu_{one}": made.task(0.3, group="mmlu") for one in ("law", "anatomy")}
    one = row(made.record(tasks={**subjects, "mbpp": made.task(0.1, group="mbpp")}))
    assert abilities([one]) == {"knowledge": ("mmlu",), "code": ("mbpp",)}


def test_weights_are_of_abilities_however_many_tasks_each_has(made: Maker):
    # 3 : 1 of tools, two tasks, and code: 3/2, 3/2, 1; what is not named counts nothing.
    weights = task_weights(view(("tools", 3.0), ("code", 1.0)), [the_row(made)])
    assert weights == {"bfcl_simple": 1.5, "json_schema": 1.5, "mbpp": 1.0, "tickets": 0.0}


def test_weights_of_tasks_hold_within_their_ability(made: Maker):
    asked = view(("tools", 3.0), ("code", 1.0), weights=(("json_schema", 0.5), ("mbpp", 7.0)))
    # Of tools' 3 the one task has 1 / 1.5, the other 0.5 / 1.5; the only task of code has all.
    assert task_weights(asked, [the_row(made)]) == pytest.approx(
        {"bfcl_simple": 2.0, "json_schema": 1.0, "mbpp": 1.0, "tickets": 0.0}
    )
    none = view(("tools", 1.0), ("code", 1.0), weights=(("mbpp", 0.0),))
    assert counted(none, abilities([the_row(made)])) == {"tools": 1.0}


def test_without_weights_and_with_equal_ones_of_a_task_each_it_is_the_suites_own_score(made: Maker):
    one = the_row(made)
    assert task_weights(View(), [one]) is None
    assert task_weights(View(weights=(("mbpp", 0.5),)), [one]) == {"mbpp": 0.5}
    # Nothing that is weighed was measured: all tasks count alike, and the page says so.
    assert task_weights(view(("maths", 2.0)), [one]) is None
    alone = row(made.record(tasks={n: made.task(0.5, group=n) for n in ("mbpp", "ifeval")}))
    assert task_weights(view(("code", 2.0), ("instructions", 2.0)), [alone]) is None


def test_a_score_is_the_mean_of_its_tasks(made: Maker):
    found = ability_score(the_row(made), ("bfcl_simple", "json_schema"), {})
    assert (found.value, found.n) == (pytest.approx(0.5), 200)
    # Half of each task's own distances, added as squares. Wilson of 60 and 40 of 100: 50.2 to
    # 69.1 and 30.9 to 49.8: below sqrt(9.8^2 + 9.1^2) / 2 = 6.7, above the same.
    assert found.interval
    assert (found.interval.low, found.interval.high) == pytest.approx((0.4332, 0.5668), abs=2e-4)
    weighed = ability_score(the_row(made), ("bfcl_simple", "json_schema"), {"json_schema": 3.0})
    assert weighed.value == pytest.approx(0.6 / 4 + 0.4 * 3 / 4)


def test_chance_is_the_mean_of_the_tasks_and_unknown_where_one_has_none(made: Maker):
    chances = {"bfcl_simple": 0.5, "json_schema": 0.25}
    tasks = {name: made.task(0.5, group=name, chance=one) for name, one in chances.items()}
    assert ability_score(row(made.record(tasks=tasks)), tuple(tasks), {}).chance == 0.375
    assert ability_score(the_row(made), tuple(tasks), {}).chance is None


def test_no_score_where_a_task_has_none(made: Maker):
    names = ("bfcl_simple", "json_schema")
    broken = the_row(made, json_schema=made.task(None, group="json_schema", unusable="it broke"))
    found = ability_score(broken, names, {})
    assert (found.value, found.reason) == (None, "json_schema: it broke")
    # Another ability has its own all the same.
    assert ability_score(broken, ("mbpp",), {}).value == 0.1
    half = the_row(made, json_schema=made.task(0.4, group="json_schema", asked=200))
    assert ability_score(half, names, {}).reason == UNANSWERED
    assert ability_score(half, ("gsm8k",), {}).reason == "gsm8k: not measured"
    assert ability_score(the_row(made), names, dict.fromkeys(names, 0.0)).value is None


def test_repeats_have_the_abilities_of_their_scored_run(made: Maker):
    tasks = {name: made.task(0.5, group=name) for name in ("mbpp", "ifeval")}
    (one,) = merged([made.record(repeat=0, tasks=tasks), made.record(repeat=1)])
    assert list(abilities([one])) == ["instructions", "code"]


def test_in_words():
    assert weighing({"code": 1.0, "tools": 3.0}) == "tools (75%) and code (25%)"
    assert weighing({"code": 1.0, "tools": 1.0, "long-context": 1.0}) == (
        "tools (33%), code (33%) and long context (33%)"
    )
    assert weighing({"grounded": 0.2}) == "grounded answers"
    assert inside(("a", "b"), {"a": 3.0}) == {"a": 0.75, "b": 0.25}
