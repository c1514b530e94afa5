"""What several pages begin with."""

from __future__ import annotations

from leaderboard.pages.blocks import Text
from leaderboard.pages.controls import Reset
from leaderboard.pages.selecting import recommended_within
from leaderboard.rows.view import View


def test_limits_of_the_overview_are_said_where_they_act_and_can_be_dropped() -> None:
    said, button = recommended_within(View(limits=(("memory", 280.0), ("decode", 20.0))))
    assert isinstance(said, Text)
    assert said.text.endswith("peak memory at most 280 MiB; decode at least 20 tokens/s.")
    assert button == Reset("Remove the limits", ("limits",))
    assert list(recommended_within(View())) == []
