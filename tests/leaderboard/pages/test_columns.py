"""Columns and the HTML of the ranked table: order, ties, tooltips, and nothing that is markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from leaderboard.choose.overview import Line, look
from leaderboard.choose.resampling import gather
from leaderboard.pages.blocks import Ranked
from leaderboard.pages.controls import Go
from leaderboard.pages.overview.columns import arrange, known_columns, next_sort, shown_columns
from leaderboard.pages.overview.ranked_table import MOST_LINES, ranked_table
from leaderboard.rows.row import Row, row
from leaderboard.rows.view import View
from runners.records.record import FlagInfo
from tests.leaderboard.conftest import Maker

MIB = 2**20


def lines(rows: Sequence[Row], **limits: float) -> tuple[Line, ...]:
    return look(gather(rows), View(limits=tuple(limits.items()))).lines


def ranked(found: Sequence[Line], **given: Any) -> Ranked:
    known = known_columns([line.row for line in found])
    usual: dict[str, Any] = {
        "lines": tuple(found), "columns": tuple(shown_columns(known, ())), "caption": "c",
        "opens": lambda digest: Go(label="", page="candidate", changes={"candidates": (digest,)}),
        "sorts": lambda key: {"sort": key}, "ticks": lambda digest: {"candidates": (digest,)},
        "pins": lambda digest: {"pins": (digest,)},
    }  # fmt: skip
    return Ranked(**{**usual, **given})


def table(found: Sequence[Line], **given: Any) -> str:
    return ranked_table(ranked(found, **given), lambda line: "candidate?x=1&y=2")


def names(found: Sequence[Line]) -> list[str]:
    return [line.row.record.candidate.name for line in found]


@pytest.fixture
def three(made: Maker) -> tuple[Line, ...]:
    rows = [
        made.row("slow", 0.6, decode=10.0, flags=[FlagInfo(name="contended", detail="d")]),
        made.row("fast", 0.5, decode=90.0),
        made.row("none", None, decode=50.0),
    ]
    return lines(rows)


def test_rows_come_by_rank_then_those_without_an_accuracy(three: tuple[Line, ...]):
    assert names(three) == ["slow", "fast", "none"]
    assert [(line.rank, line.tied) for line in three] == [(1, 2), (1, 2), (None, 1)]


@pytest.mark.parametrize(
    ("sort", "search", "expected"),
    [
        ("", "", ["slow", "fast", "none"]),
        ("decode", "", ["slow", "none", "fast"]),
        ("-decode", "", ["fast", "none", "slow"]),
        ("-accuracy", "", ["slow", "fast", "none"]),
        ("accuracy", "", ["fast", "slow", "none"]),  # what is missing comes last either way
        ("nonsense", "", ["slow", "fast", "none"]),
        ("", "FAS", ["fast"]),
        ("", "contended", ["slow"]),
        ("", "slow fast", []),
    ],
)
def test_sort_and_search(three: tuple[Line, ...], sort: str, search: str, expected: list[str]):
    known = known_columns([line.row for line in three])
    assert names(arrange(three, known, sort, search)) == expected


def test_columns_that_were_picked_stand_after_the_accuracy(three: tuple[Line, ...]):
    known = known_columns([line.row for line in three])
    assert [one.key for one in shown_columns(known, ("task:t", "nonsense"))] == [
        "accuracy",
        "task:t",
    ]


def test_a_click_on_a_head_sorts_the_best_first_then_the_worst_then_by_rank(
    three: tuple[Line, ...],
):
    known = known_columns([line.row for line in three])
    decode, memory = known["decode"], known["memory"]
    assert [next_sort(sort, decode) for sort in ("", "-decode", "decode", "memory")] == [
        "-decode", "decode", "", "-decode",
    ]  # fmt: skip
    assert [next_sort(sort, memory) for sort in ("", "memory", "-memory")] == [
        "memory", "-memory", "",
    ]  # fmt: skip
    assert next_sort("memory", None) == ""


def test_a_head_says_how_the_table_is_sorted(three: tuple[Line, ...]):
    html = table(three, sort="-decode")
    assert re.findall(r'aria-sort="(?!none)(\w+)"><button[^>]*data-value="(\w*)"', html) == [
        ("descending", "decode")
    ]
    assert re.findall(
        r'aria-sort="(?!none)(\w+)"><button[^>]*data-value="(\w*)"', table(three)
    ) == [("ascending", "")]


def test_at_most_four_can_be_ticked(made: Maker):
    found = lines([made.row(f"m{number}", 0.5) for number in range(6)])
    three, four = (
        table(found, ticked=tuple(f"m{number}" for number in range(count))) for count in (3, 4)
    )
    assert (three.count(" checked"), three.count(" disabled")) == (3, 0)
    assert (four.count(" checked"), four.count(" disabled")) == (4, 2)


def test_pinned_lines_stand_on_top_with_their_rank(three: tuple[Line, ...]):
    slow, fast, none = three
    html = table((slow, none), pinned=(fast,))
    first = re.findall(r"<tbody.*?</tbody>", html)[0]
    assert first.startswith('<tbody class="pinned">')
    assert ">fast<" in first
    assert ">1=</td>" in first
    assert 'aria-pressed="true" aria-label="pin fast"' in first
    assert html.count('aria-pressed="true"') == 1


def test_a_tie_is_one_group(three: tuple[Line, ...]):
    html = table(three)
    bodies = re.findall(r"<tbody.*?</tbody>", html)
    assert len(bodies) == 2
    # The rank stands on every row, so that it is there in any order.
    assert bodies[0].count(">1=</td>") == 2
    assert "no significant difference between these 2" in bodies[0]
    assert len(re.findall(r"<tbody.*?</tbody>", table(three, sort="-decode"))) == 1


def test_those_outside_form_a_group_with_their_reasons(made: Maker):
    html = table(lines([made.row("in"), made.row("out", peak=500 * MIB)], memory=200.0))
    inside, outside = re.findall(r"<tbody.*?</tbody>", html)
    assert ">in<" in inside
    assert "peak memory 500 MiB (at most 200 MiB)" in outside
    assert ">excluded</td>" in outside


def test_a_slow_end_says_which_it_is(made: Maker):
    (line,) = lines([made.row()])
    column = known_columns([line.row])["ttft_tail"]
    requests = made.base.latency["8+4"].ttft_s.n
    assert column.cell(line).text == "100 (maximum)"
    assert column.cell(line).hint == f"maximum of {requests}, 1 run"


def test_a_score_that_is_not_told_from_guessing_is_grey(made: Maker):
    # 30 of 100 where guessing gives 25: P(X >= 30) = 0.15; of 60 it is 1e-13.
    tasks = {
        "t": made.task(0.3, group="t", chance=0.25),
        "u": made.task(0.6, group="u", chance=0.25),
    }
    found = lines([row(made.record(tasks=tasks))])
    columns = shown_columns(known_columns([line.row for line in found]), ("task:t", "task:u"))
    html = table(found, columns=tuple(columns))
    assert html.count('class="number muted"') == 1


def test_a_missing_number_says_why(made: Maker):
    html = table(lines([made.row("a", memory=None), made.row("b")]))
    assert re.search(r">\N{EN DASH}</button><span[^>]*>not measured</span></td>", html)


def test_what_the_cells_of_a_column_share_is_told_by_its_head(made: Maker):
    html = table(lines([made.row(name, memory=None) for name in ("a", "b")]))
    assert "In this table: not measured." in html
    assert "\N{EN DASH}</button>" not in html


def test_a_head_leads_to_its_word_in_the_glossary(three: tuple[Line, ...]):
    html = ranked_table(ranked(three), lambda _: "", terms=lambda go: f"#{go.changes['term']}")
    assert '<a href="#peak MiB" target="_self" data-act="term" data-value="peak MiB">' in html
    assert 'aria-label="What is TTFT?"' in html


def test_a_single_run_says_that_it_has_no_interval(made: Maker):
    assert "1 run: no interval, one run says nothing of the next" in table(lines([made.row()]))


def test_text_from_records_is_no_markup(made: Maker):
    name = '"><script>alert(1)</script>'
    html = table(lines([made.row(name, flags=[FlagInfo(name=name, detail=name)])]), caption=name)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4


def test_a_very_long_table_is_cut_and_says_so(made: Maker):
    line = lines([made.row()])[0]
    html = table([line] * (MOST_LINES + 1), sort="decode")
    assert html.count("<tr class") == MOST_LINES
    assert "1 more: narrow the search" in html
