from __future__ import annotations

from leaderboard.pages.compare.tables import interval_text, p_text, signed
from leaderboard.pages.grid import Cell, Grid, Head, as_html, half, missing, text_grid
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
