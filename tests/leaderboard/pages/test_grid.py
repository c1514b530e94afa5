from __future__ import annotations

from leaderboard.pages.compare.tables import interval_text, p_text, signed
from leaderboard.pages.controls import Go
from leaderboard.pages.grid import (
    Cell,
    Grid,
    Head,
    as_html,
    for_a_file,
    half,
    missing,
    text_grid,
    without_empty,
)
from leaderboard.stats.intervals import Interval

HOSTILE = '"><img src=x onerror=alert(1)>'


def test_every_text_is_escaped() -> None:
    grid = Grid(
        caption=HOSTILE,
        heads=(Head(HOSTILE, HOSTILE, HOSTILE),),
        rows=((Cell(HOSTILE, HOSTILE, HOSTILE),), (missing(HOSTILE),)),
    )
    html = as_html(grid)
    assert "<img" not in html
    # Caption and its label, head with unit and hint, cell with spread and hint, and why.
    assert html.count("&lt;img") == 10


def test_a_missing_value_says_why_below_the_table_once() -> None:
    grid = Grid(caption="", heads=(Head("a"),), rows=((missing("no run"),), (missing("no run"),)))
    assert as_html(grid).count("<p") == 1
    assert "\N{EN DASH} no run</p>" in as_html(grid)


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    assert 'class="number">1<' in as_html(
        Grid(caption="", heads=(Head("a"),), rows=((Cell("1"),),))
    )
    assert 'class="text">x<' in as_html(text_grid("", ["a"], [["x"]]))


def test_half_an_interval() -> None:
    assert half(Interval(low=1.0, high=4.0)) == 1.5
    assert half(None) is None


def test_a_difference_has_its_sign_and_0_has_none() -> None:
    assert signed(0.0123) == "+1.2"
    assert signed(-0.0123) == "-1.2"
    assert signed(-0.0001) == signed(0.0001) == "0.0"
    assert signed(0.1) == "+10.0"
    assert interval_text(Interval(low=-0.01, high=0.02), signed) == "-1.0 to +2.0"


def test_a_p_value_is_never_0() -> None:
    assert p_text(1e-12) == "< 0.001"
    assert p_text(0.0321) == "0.032"
    assert p_text(1.0) == "1"


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    grid = text_grid("c", ("a", "b", "c"), [("1", "", "4"), ("", "", "3")])
    found = without_empty(grid)
    assert [head.text for head in found.heads] == ["a", "c"]
    assert [[cell.text for cell in row] for row in found.rows] == [["1", "4"], ["", "3"]]


def test_a_file_lacks_the_columns_of_the_board_and_links_what_it_has() -> None:
    to = Go(label="", page="checks", changes={})
    grid = Grid(
        caption="c",
        heads=(Head("a", number=False), Head("b", board=True)),
        rows=((Cell("x<", opens=to), Cell("y", opens=to)),),
    )
    assert [head.text for head in for_a_file(grid).heads] == ["a"]
    drawn = as_html(for_a_file(grid), lambda go: f"#{go.page}")
    assert '<a href="#checks" target="_self">x&lt;</a>' in drawn
    assert "<a " not in as_html(grid, lambda _: "")
    assert "<a " not in as_html(grid)
