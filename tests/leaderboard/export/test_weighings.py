"""Which ways to weigh abilities the exported file offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.export.site.weighings import weighing_buttons, weighings
from leaderboard.rows.row import row
from leaderboard.rows.view import View

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker


def asked(made: Maker, *tasks: str) -> list[Row]:
    return [row(made.record(tasks={name: made.task(0.5, group=name) for name in tasks}))]


def test_every_task_every_ability_and_each_alone(made: Maker):
    found = weighings(View(), asked(made, "bfcl_simple", "json_schema", "mbpp", "tickets"))
    assert [one.name for one in found] == ["tasks", "abilities", "tools", "code"]
    assert [one.suffix for one in found] == ["", "@abilities", "@tools", "@code"]
    assert found[0].words == "Every task counts the same."
    assert found[2].of(View(search="x")) == View(search="x", ability_weights=(("tools", 1.0),))


def test_what_was_asked_for_comes_first(made: Maker):
    view = View(ability_weights=(("tools", 1.0), ("maths", 2.0), ("code", 3.0)))
    first, second, *_ = weighings(view, asked(made, "bfcl_simple", "json_schema", "mbpp"))
    # Maths is not measured, and is no part of it.
    assert (first.name, first.title) == ("asked", "code (75%) and tools (25%)")
    assert (first.suffix, second.suffix) == ("", "@tasks")


def test_two_that_weigh_alike_are_one(made: Maker):
    # A task each: every ability the same is every task the same.
    found = weighings(View(), asked(made, "bfcl_simple", "mbpp"))
    assert [one.name for one in found] == ["tasks", "tools", "code"]


def test_of_one_ability_there_is_nothing_to_weigh(made: Maker):
    found = weighings(View(), asked(made, "bfcl_simple", "json_schema"))
    assert [one.name for one in found] == ["tasks"]
    assert weighing_buttons(found) == ""
