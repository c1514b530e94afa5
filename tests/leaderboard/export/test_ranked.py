"""The boxes that filter the exported file's table."""

from __future__ import annotations

import re

from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.export.site.ranked import table
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from runners.records.server import ServerInfo
from tests.leaderboard.conftest import Maker


def options(*rows: Row) -> list[tuple[str, str]]:
    html = table(look(gather(rows), View()).lines, (), View())
    box = re.search(r'<select data-filter="class">(.*?)</select>', html)
    return re.findall(r'<option value="([^"]*)">(.*?)</option>', box[1]) if box else []


def test_classes_are_offered_in_words_off_grid_among_them(made: Maker):
    here = made.row("here", candidate={"parameters": 10**9})
    far = made.row("far", candidate={"parameters": 10**9}, server=ServerInfo(url="http://h/v1"))
    assert options(here, far) == [
        ("", "any"),
        ("tiny-titan", "Tiny Titan (≤ 4B)"),
        ("32b", "≤ 32B"),
        ("off-grid", "off-grid (no network)"),
    ]
    assert options(here) == []
