"""Several users on the Candidate page: the table's cells and the figures' points."""

from __future__ import annotations

import pytest

from leaderboard.pages.candidate.users import users_blocks, users_grid
from leaderboard.pages.candidate.users_figure import ROOM, throughput_figure, ttft_figure
from leaderboard.runs.users import SeveralUsers, several_users
from leaderboard.units import MISSING
from runners.records.users import UsersLevelInfo
from tests.leaderboard.conftest import Maker
from tests.support.users import level, users_info

INFO = users_info(
    level(1, 100.0, [0.1, 0.1]),
    level(2, 150.0, [0.4] * 3),
    level(4, 155.0, [1.5] * 4, failed={"rate limited": 1}, sent=5, peak_bytes=None,
          memory_source="behind a URL"),
    UsersLevelInfo(users=8, error="the server ended", slots=None),
)  # fmt: skip


def users(made: Maker) -> SeveralUsers:
    found = several_users([made.record(users=INFO)])
    assert found is not None
    return found


def test_a_row_a_number_of_users_and_a_reason_for_what_is_missing(made: Maker) -> None:
    grid = users_grid(users(made), "here")
    heads = [head.text for head in grid.heads]
    rows = [dict(zip(heads, row, strict=True)) for row in grid.rows]
    assert grid.caption == (
        "512+64 (prompt + new tokens), windows of 30 s; here; one run: no interval"
    )
    assert [row["users"].text for row in rows] == ["1", "2", "4", "8"]
    assert [row["output"].text for row in rows] == ["100", "150", "155", MISSING]
    assert [row["within deadline"].text for row in rows] == ["100.0", "100.0", "80.0", MISSING]
    assert rows[1]["slow end"].text == "400 (maximum)"
    assert (rows[2]["failed"].text, rows[2]["failed"].hint) == ("1", "rate limited 1")
    assert (rows[0]["peak"].text, rows[2]["peak"].hint) == ("250", "behind a URL")
    assert rows[3]["TTFT 512+64"].hint == "the server ended"
    assert rows[3]["slots"].hint == "the server does not say"


def test_figures_have_a_point_a_number_and_mark_the_knee(made: Maker) -> None:
    found = users(made)
    for dark in (True, False):
        figure = throughput_figure(found, dark=dark)
        ideal, measured = figure.data
        assert list(measured.x) == [1, 2, 4]  # nothing at eight
        assert list(measured.y) == [100.0, 150.0, 155.0]
        assert list(ideal.y) == [100.0, 200.0, 400.0]
        assert figure.layout.yaxis.range == (0, ROOM * 155.0)  # the ideal may leave it
        # power: 10,000, 11,250, 6,006
        assert [shape.x0 for shape in figure.layout.shapes] == [2]
        (word,) = figure.layout.annotations
        assert (word.text, 10**word.x) == ("knee", pytest.approx(2))
        wait = ttft_figure(found, dark=dark)
        assert list(wait.data[0].y) == [100.0, 400.0, 1500.0]
        assert list(wait.data[1].y) == [100.0, 400.0, 1500.0]
        assert [shape.y0 for shape in wait.layout.shapes] == [2000.0]  # the deadline


def test_requests_stand_in_where_nobody_counts_tokens(made: Maker) -> None:
    info = users_info(level(1, None, [0.1], request_throughput=2.0),
                      level(2, None, [0.1], request_throughput=3.0))  # fmt: skip
    found = several_users([made.record(users=info)])
    assert found is not None
    figure = throughput_figure(found, dark=False)
    assert figure.layout.yaxis.title.text == "requests/s"
    assert list(figure.data[1].y) == [2.0, 3.0]


def test_a_number_that_failed_is_said_below(made: Maker) -> None:
    blocks = list(users_blocks(users(made), "here"))
    assert "8 at once: the server ended" in str(blocks[-1])
