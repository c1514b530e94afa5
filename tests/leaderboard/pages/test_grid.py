from __future__ import annotations

import re

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
    # Caption and its label; head, unit and what it tells; cell, spread, tooltip and what it tells;
    # the tooltip of the missing one, and why below the table.
    assert html.count("&lt;img") == 11


def test_a_head_tells_what_it_is_and_leads_to_its_term() -> None:
    grid = Grid(caption="c", heads=(Head("TTFT", "ms", "here"), Head("x")), rows=())
    drawn = as_html(grid, lambda go: f"#{go.changes['term']}")
    button = re.search(
        r'popovertarget="([^"]*)">TTFT</button><span class="told" id="([^"]*)"', drawn
    )
    assert button
    assert button[1] == button[2]
    assert '>Here. <a href="#TTFT" target="_self" data-act="term" data-value="TTFT">' in drawn
    assert '<th scope="col" class="number">x</th>' in drawn
    # Without a hint of its own a head has its term's meaning; another table's has another id.
    told = as_html(Grid(caption="c", heads=(Head("TTFT"),), rows=()))
    assert "Time to first token, tokenising and sampling inside.</span>" in told
    assert button[1] not in told


def test_what_one_value_has_to_say_is_behind_a_button_and_what_several_have_below() -> None:
    cells = [(Cell("1", hint="alone"),), (Cell("2", hint="both"),), (Cell("3", hint="both"),)]
    drawn = as_html(Grid(caption="", heads=(Head("x"),), rows=tuple(cells)))
    assert re.findall(r"<button[^>]*>(.*?)</button><span[^>]*>(.*?)</span>", drawn) == [
        ("1", "alone")
    ]
    assert re.findall(r'<p class="why">(.*?)</p>', drawn) == ["both"]


def test_a_missing_value_says_why_below_the_table_once() -> None:
    grid = Grid(caption="", heads=(Head("a"),), rows=((missing("no run"),), (missing("no run"),)))
    assert as_html(grid).count('<p class="why"') == 1
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


def test_a_file_lacks_columns_of_ways_that_lead_nowhere_and_links_what_it_has() -> None:
    to, there = Go(label="", page="checks", changes={}), Go(label="", page="compare", changes={})
    grid = Grid(
        caption="c",
        heads=(Head("a", number=False), Head("b", ways=True), Head("c", ways=True)),
        rows=((Cell("x<", opens=to), Cell("y", opens=to), Cell("z", opens=there)), (Cell(""),) * 3),
    )
    kept = for_a_file(grid, lambda go: "#there" if go is there else "")
    assert [head.text for head in kept.heads] == ["a", "c"]
    assert [head.text for head in for_a_file(grid, lambda _: "").heads] == ["a"]
    drawn = as_html(kept, lambda go: f"#{go.page}")
    assert '<a href="#checks" target="_self">x&lt;</a>' in drawn
    assert "<a " not in as_html(grid, lambda _: "")
    assert "<a " not in as_html(grid)


def test_a_long_name_may_break_at_its_joints_and_a_quantisation_may_not() -> None:
    drawn = as_html(text_grid("", ["a"], [["basic_skills q4_0 q4_k_m"]]))
    assert ">basic_<wbr>skills q4_0 q4_k_m<" in drawn


def test_what_a_table_tells_is_not_taken_for_that_of_a_like_one() -> None:
    def tells(hint: str) -> set[str]:
        grid = Grid(caption="c", heads=(Head("x"),), rows=((Cell("1", hint=hint),),))
        return set(re.findall(r'id="([^"]*)"', as_html(grid)))

    assert tells("one").isdisjoint(tells("another"))
