from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.leaderboard.app.conftest import HOSTILE, figures, page_html, page_text

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board


def test_flips_difference_and_ratios_are_those_of_the_records(board: Board, good: Path) -> None:
    text = page_text(board("compare", good, candidate=["big", "small"]))
    # 4 of 100 lost, none gained: Tango's interval is -9.8 to -0.2 points; McNemar 2 · 0.5^4.
    assert "small -4.0 -9.8 to -0.2 0 4 100 0.12" in text
    assert "t 60.0 56.0 -4.0" in text
    assert "time to first token, 8+4 ms 100 200 2.00" in text
    assert "peak memory MiB 400 100 0.25" in text
    assert "weights on disk MiB 200 50.0 0.25" in text
    assert "2 pairs" in text


def test_the_first_candidate_is_the_reference(board: Board, good: Path) -> None:
    text = page_text(board("compare", good, candidate=["small", "big"]))
    assert "big 4.0 0.2 to 9.8 4 0 100 0.12" in text.replace("+", "")


def test_items_where_they_differ_are_listed_and_searched(board: Board, good: Path) -> None:
    app = board("compare", good, candidate=["big", "small"])
    assert list(app.dataframe[0].value["direction"]) == ["lost"] * 4
    app.text_input[0].input("t-2").run()
    assert list(app.dataframe[0].value["document"]) == [2]
    assert app.query_params["items"] == "t-2"
    app.text_input[0].input("gained").run()
    assert len(app.dataframe[0].value) == 0


def test_a_search_in_the_address_is_applied(board: Board, good: Path) -> None:
    app = board("compare", good, candidate=["big", "small"], items="T-3")
    assert list(app.dataframe[0].value["document"]) == [3]


def test_one_candidate_alone_is_asked_for_another(board: Board, good: Path) -> None:
    app = board("compare", good, candidate=["big", "small"])
    app.multiselect[0].unselect("small").run()
    assert "two to four" in app.info[0].value


def test_an_unknown_candidate_in_the_address_is_named(board: Board, good: Path) -> None:
    app = board("compare", good, candidate=["big", "nobody"])
    assert "nobody" in app.warning[0].value
    assert "-4.0" in page_text(app)


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path) -> None:
    assert board("compare", empty).header[0].value == "No runs yet"


def test_without_samples_the_times_are_compared_and_the_reason_is_said(
    board: Board, damaged: Path
) -> None:
    app = board("compare", damaged, candidate=["big", "small"])
    assert "samples.parquet" in " ".join(one.value for one in app.warning).replace("\\", "")
    text = page_text(app)
    assert "the samples of one side are not at hand" in text
    assert "peak memory MiB 400 100 0.25" in text


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("compare", hostile)
    assert "<img" not in page_html(app)
    for one in (*app.caption, *app.markdown, *app.warning):
        assert HOSTILE not in one.value
    assert app.dataframe[0].value["prompt"][0] == HOSTILE
    assert figures(app)
    assert not any("<img" in figure for figure in figures(app))
