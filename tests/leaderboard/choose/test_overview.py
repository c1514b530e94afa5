"""What is judged once serves every preference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.choose.overview import judged_view, look, with_preference
from leaderboard.choose.resampling import gather
from leaderboard.rows.view import PREFERENCES, Prefer, View
from tests.leaderboard.conftest import Maker

MIB = 2**20


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize("limits", [(), (("memory", 150.0),), (("memory", 1.0),)])
def test_another_preference_is_what_judging_anew_gives(
    made: Maker, prefer: Prefer, limits: tuple[tuple[str, float], ...]
):
    # All tie over 100 items: the best, the smallest and the fastest are three candidates.
    peers = gather([
        made.row("best", 0.52, peak=300 * MIB, decode=50.0),
        made.row("small", 0.51, peak=100 * MIB, decode=40.0),
        made.row("fast", 0.50, peak=120 * MIB, decode=90.0),
        made.row("none", None),
    ])  # fmt: skip
    view = View(limits=limits)
    first = look(peers, view)
    found = with_preference(first, peers, replace(view, prefer=prefer))
    assert found == look(peers, replace(view, prefer=prefer))
    if not limits:
        shipped = {"smallest": "small", "fastest": "fast", "accurate": "best"}[prefer]
        assert [line.row.record.candidate.name for line in found.lines if line.ship] == [shipped]


def test_a_search_is_no_part_of_what_is_judged():
    view = View(search="q4", sort="-memory", candidates=("a",), prefer="fastest", x="disk")
    assert judged_view(view) == View(prefer="fastest", x="disk")
